#!lua flags=allow-oom
-- recall: Redis lost the line, and a worker remembers how far it was called: it counts again, so that a ticket from
-- before that stands among those who come back late; and the line heals, although whoever named the new life knew of no
-- loss. Not from a worker that learns of the new life when its first minute is over: whoever waits has come back by then.
-- Only ever goes forward, so it may be sent twice.
--
-- ARGV   3 the life it is said to   4… lane, highest place called so far, …
-- Reply  recalled | stale (yet another life)
--include _room.lua
if redis.call('HGET', STATE, 'epoch') ~= ARGV[3] then return { 'stale' } end
for at = 4, #ARGV, 2 do
  local name, place = 'serving:' .. ARGV[at], tonumber(ARGV[at + 1])
  if place > tonumber(redis.call('HGET', STATE, name) or 0) then redis.call('HSET', STATE, name, text(place)) end
end
if life_ms() < 60000 then redis.call('HSETNX', STATE, 'healing_since', text(now)) end
return { 'recalled' }
