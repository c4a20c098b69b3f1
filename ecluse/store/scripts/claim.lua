#!lua flags=allow-oom
-- claim: a called visitor takes the admission, if pace and capacity allow this very moment. Idempotent: repeated,
-- it returns the same admission. A claim that comes too early keeps its call, with time enough to come back.
--
-- ARGV   3 ticket id   4 '1' to take an admission, '0' only to say Enter was pressed (others of this gateway are first)
--        5 when the copy shown was issued, seconds   6 lane of the ticket ('' where it is not known: it is only counted)
-- Reply  admitted <expiry_ms> <started_ms> | early <wait_ms> pace|capacity|paused|turn | waiting <ahead> | missed | gone | ended
--        absent | closed | moved <moment, seconds>
--include _room.lua
local id = ARGV[3]
local found = moved(id, ARGV[5]) or look(id)
if found[1] ~= 'called' then return found end
local room = rules()
if room.mode == 'closed' then return { 'closed' } end
local deadline = tonumber(found[2])
heard(id, deadline, room)

local wait, why = 0, nil
local pace = bucket(room)
if room.still then
  wait, why = 5000, 'paused'
elseif room.capacity > 0 and active() >= room.capacity then
  wait, why = math.max(1000, pace.interval), 'capacity'
elseif wait_ms(pace, 0) > 0 then
  wait, why = wait_ms(pace, 0), 'pace'
elseif ARGV[4] ~= '1' then
  wait, why = pace.interval, 'turn'
end
if why then
  redis.call('ZADD', PRESSING, text(now), id)
  local kept = now + math.max(room.claim_ms / 2, 2 * wait)
  if kept > deadline then
    redis.call('ZADD', CALLED, 'XX', text(math.floor(kept)), id)
    redis.call('ZADD', SHOWN, 'XX', text(math.floor(kept) + times_extended(id) / 1000), id)
  end
  return { 'early', text(wait), why }
end
local admission = admit(id, room, pace)
if ARGV[6] ~= '' then count_admission(ARGV[6], now - (tonumber(ARGV[5]) or now / 1000) * 1000) end
forget_call(id)
return admission
