#!lua flags=allow-oom
-- renew: an active visit goes on, up to its longest time. A visit that Redis forgot is entered again from its pass.
--
-- ARGV   3 session id   4 admitted at, ms (from the signed pass; counts only if Redis forgot)
--        5 person of the pass ('' if it has none)   6 number of the line of its lane, from 1
-- Reply  admitted <expiry_ms> <started_ms> | ended
--include _room.lua
local id = ARGV[3]
if redis.call('ZSCORE', ENDED, id) then return { 'ended' } end
local room = rules()
local started = math.floor(tonumber(redis.call('HGET', VISITS, id) or ARGV[4]))
-- A visit of an earlier campaign opens nothing in this one.
if started < (tonumber(redis.call('HGET', STATE, 'campaign_at')) or 0) then return { 'ended' } end
local before = tonumber(redis.call('ZSCORE', ADMITTED, id) or 0)
local expiry = math.max(before, math.min(math.floor(now) + room.session_ms, started + room.session_max_ms))
if expiry <= now then return { 'ended' } end
redis.call('ZADD', ADMITTED, text(expiry), id)
local forgotten = redis.call('HSETNX', VISITS, id, text(started)) == 1
if forgotten and NAMED and ARGV[5] ~= '' and not redis.call('HGET', PEOPLE, ARGV[5]) then
  local life = redis.call('HGET', STATE, 'epoch') or '--------'
  hold_for(ARGV[5], id, KEYS[FIRST_LINE - 1 + tonumber(ARGV[6])], '0', 'n', life)
end
return { 'admitted', text(expiry), text(started) }
