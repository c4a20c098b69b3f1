#!lua flags=allow-oom
-- count: what happened since it was last counted goes to the statistics of an hour, together with the note of how far
-- was counted: whoever does it, and however often, nothing is counted twice. Days past their time are let go.
--
-- KEYS   the usual ones, then last the days (hash: date → {hour: {what: how many}}, JSON)
-- ARGV   3 date, such as 2026-11-26   4 hour, 00 to 23   5 the oldest date to keep
-- Reply  counted <how many counts grew>
--include _room.lua
local key, all = KEYS[#KEYS], redis.call('HGETALL', STATE)
local counted, fresh, grew = {}, {}, 0
for at = 1, #all, 2 do
  if all[at] == 'counted' then counted = cjson.decode(all[at + 1]) end
end
for at = 1, #all, 2 do
  local name = all[at]
  if name == 'missed' or name == 'left' or string.match(name, '^joined:') or string.match(name, '^in:')
    or string.match(name, '^wait:') then
    local more = tonumber(all[at + 1]) - (counted[name] or 0)
    if more > 0 then
      fresh[name], grew = more, grew + 1
      counted[name] = tonumber(all[at + 1])
    end
  end
end
if grew > 0 then
  local day = cjson.decode(redis.call('HGET', key, ARGV[3]) or '{}')
  local hour = day[ARGV[4]] or {}
  for name, more in pairs(fresh) do hour[name] = (hour[name] or 0) + more end
  day[ARGV[4]] = hour
  redis.call('HSET', key, ARGV[3], cjson.encode(day))
  redis.call('HSET', STATE, 'counted', cjson.encode(counted))
end
for _, date in ipairs(redis.call('HKEYS', key)) do
  if date < ARGV[5] then redis.call('HDEL', key, date) end
end
return { 'counted', tostring(grew) }
