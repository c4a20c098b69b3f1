#!lua flags=allow-oom
-- extend: a called visitor asks for more time. The claim window starts again, at most twenty times
-- (accessibility rules ask for ten: WCAG 2.2.1).
--
-- ARGV   3 ticket id   4 when the copy shown was issued, seconds
-- Reply  called <deadline_ms> <times left> | moved <moment, seconds> | or where the ticket is instead, as `look`
--include _room.lua
local id = ARGV[3]
local found = moved(id, ARGV[4]) or look(id)
if found[1] ~= 'called' then return found end
local room = rules()
local deadline = tonumber(found[2])
heard(id, deadline, room)
local times = times_extended(id)
if times < 20 then
  deadline = math.max(deadline, math.floor(now) + room.claim_ms)
  times = times + 1
  redis.call('ZADD', CALLED, 'XX', text(deadline), id)
  redis.call('ZADD', SHOWN, 'XX', text(deadline + times / 1000), id)
end
return { 'called', text(deadline), tostring(20 - times) }
