#!lua
-- enter: a new visitor is admitted at once if nobody waits and the limits allow, else takes a place.
-- Idempotent per ticket id. An empty line is not enough: those called keep first claim on pace and capacity.
--
-- ARGV   3 ticket id   4 number of the lane's line, from 1   5 epoch to use if the room has none
--        6 '1' if admission at once is wanted, '0' for a place only
--        7 person, by digest ('' in rooms that ask for none)   8 name of the key of the digest   9 campaign of the digest, ms
--          ('' if it is for all of them)   10 quota of the lane (0: none)   11 longest wait in the lane, ms (0: none)
--        12 batch of an invitation ('' without one)   13 its number in the batch
-- Reply  uninvited revoked|used | admitted <epoch> <number> <expiry_ms> <started_ms> | waiting <epoch> <number> <ahead> <drawn: d or n>
--        called <epoch> <number> <deadline_ms>  (only when repeated) | full | closed
--        known <epoch> <ticket id> <lane> <number> <n|d> <its epoch>: another live ticket of this person
--        campaign <ms>: the campaign it is, if the digest is for another | rekeyed: the people here have digests of another key
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
if ARGV[7] ~= '' then
  local campaign = redis.call('HGET', STATE, 'campaign_at') or '0'
  if ARGV[9] ~= '' and tonumber(ARGV[9]) ~= tonumber(campaign) then return { 'campaign', campaign } end
  local made_with = redis.call('HGET', PEOPLE, 'key')
  if made_with and made_with ~= ARGV[8] and redis.call('HLEN', PEOPLE) > 1 then return { 'rekeyed' } end
  local record = redis.call('HGET', PEOPLE, ARGV[7])
  if record then
    local holder, of_lane, number, drawn, of_life = string.match(record, '^(%S+) (%S+) (%S+) (%S) (%S+)$')
    local there = look(holder)[1]
    if there ~= 'gone' and there ~= 'ended' and there ~= 'absent' then
      return { 'known', life, holder, of_lane, number, drawn, of_life }
    end
    let_go(holder)
  end
end
local used = 'u:' .. ARGV[12] .. ':' .. ARGV[13]
if ARGV[12] ~= '' then
  local saved = redis.call('HMGET', INVITED, 'b:' .. ARGV[12], 'r:' .. ARGV[12], used)
  if not saved[1] or saved[2] then return { 'uninvited', 'revoked' } end
  if saved[3] then return { 'uninvited', 'used' } end
end
-- Closed by its hours, a room that an operator only paused is closed as well.
if room.mode == 'closed' or room.schedule == 'closed' then return { 'closed' } end

local lane, quota = string.match(line, ':line:(.*)$'), tonumber(ARGV[10])
local waiting = waiting_total()
if quota_left(lane, quota) > 0 and waiting == 0 and ARGV[6] == '1' and room.mode == 'open' and not healing() then
  local called = redis.call('ZCARD', CALLED)
  local pace = bucket(room)
  local fits = room.capacity == 0 or active() + called < room.capacity
  if fits and wait_ms(pace, called) <= 0 then
    local admission = admit(id, room, pace)
    redis.call('HINCRBY', STATE, 'direct', 1)
    use_quota(lane, quota, 1)
    count_arrival(lane)
    count_admission(lane, 0)
    local number = tostring(redis.call('HINCRBY', STATE, 'number', 1))
    if ARGV[7] ~= '' then hold_for(ARGV[7], id, line, number, kind, life, ARGV[8]) end
    return { 'admitted', life, number, admission[2], admission[3] }
  end
end
if waiting >= room.line_max then return { 'full' } end
local number = redis.call('HINCRBY', STATE, 'number', 1)
redis.call('ZADD', line, number, id)
if ARGV[12] ~= '' then
  redis.call('HSET', INVITED, used, id)
  redis.call('HINCRBY', INVITED, 'n:' .. ARGV[12], 1)
end
if ARGV[11] ~= '0' then note_joining(lane, number, tonumber(ARGV[11])) end
if ARGV[7] ~= '' then hold_for(ARGV[7], id, line, tostring(number), kind, life, ARGV[8]) end
count_arrival(lane)
return { 'waiting', life, tostring(number), tostring(redis.call('ZCARD', line) - 1), kind }
