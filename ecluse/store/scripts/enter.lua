#!lua
-- enter: a new visitor is admitted at once if nobody waits and the limits allow, else takes a place.
-- Idempotent per ticket id. An empty line is not enough: those called keep first claim on pace and capacity.
--
-- ARGV   3 ticket id   4 number of the lane's line, from 1   5 epoch to use if the room has none
--        6 '1' if admission at once is wanted, '0' for a place only
-- Reply  admitted <epoch> <number> <expiry_ms> <started_ms> | waiting <epoch> <number> <ahead> <drawn: d or n>
--        called <epoch> <number> <deadline_ms>  (only when repeated) | full | closed
--include _room.lua
local id, line = ARGV[3], KEYS[FIRST_LINE - 1 + tonumber(ARGV[4])]
local life = epoch(ARGV[5])
local room = rules()

local place = redis.call('ZSCORE', line, id)
local kind = room.undrawn and 'd' or 'n'
if place then return { 'waiting', life, place, tostring(redis.call('ZRANK', line, id)), kind } end
local found = look(id)
if found[1] == 'admitted' or found[1] == 'called' then
  return { found[1], life, redis.call('HGET', STATE, 'number'), found[2], found[3] }
end
-- Closed by its hours, a room that an operator only paused is closed as well.
if room.mode == 'closed' or room.schedule == 'closed' then return { 'closed' } end

local waiting = waiting_total()
if waiting == 0 and ARGV[6] == '1' and room.mode == 'open' and not healing() then
  local called = redis.call('ZCARD', CALLED)
  local pace = bucket(room)
  local fits = room.capacity == 0 or active() + called < room.capacity
  if fits and wait_ms(pace, called) <= 0 then
    local admission = admit(id, room, pace)
    redis.call('HINCRBY', STATE, 'direct', 1)
    count_arrival(lane_called(line))
    count_admission(lane_called(line), 0)
    return { 'admitted', life, tostring(redis.call('HINCRBY', STATE, 'number', 1)),
      admission[2], admission[3] }
  end
end
if waiting >= room.line_max then return { 'full' } end
local number = redis.call('HINCRBY', STATE, 'number', 1)
redis.call('ZADD', line, number, id)
count_arrival(lane_called(line))
return { 'waiting', life, tostring(number), tostring(redis.call('ZCARD', line) - 1), kind }
