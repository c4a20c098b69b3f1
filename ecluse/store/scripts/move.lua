#!lua
-- move: a place goes to another device. A new copy of the ticket is issued as of the moment in the reply, and every copy
-- issued before it is refused from now on. The moment is later than that of any copy there is, whatever the clocks say;
-- it runs ahead of the clock by five seconds at most, so a ticket moves five times at once and then once a second.
-- Sent twice it moves twice, to the same caller.
--
-- ARGV   3 ticket id   4 when the latest copy known to the caller was issued, seconds
-- Reply  moved <moment, seconds> <where the ticket is, as `look`: waiting, called or missed> | early <wait_ms>
--        or where the ticket is instead (admitted, gone, ended, absent), as `look`
--include _room.lua
local AHEAD = 5
local id = ARGV[3]
local found = look(id)
if found[1] ~= 'waiting' and found[1] ~= 'called' and found[1] ~= 'missed' then return found end
local before = math.max(tonumber(redis.call('ZSCORE', MOVED, id)) or 0, tonumber(ARGV[4]))
local moment = math.max(math.floor(now / 1000), before + 1)
local ahead = moment - now / 1000 - AHEAD
if ahead > 0 then return { 'early', text(math.ceil(ahead) * 1000) } end
redis.call('ZADD', MOVED, text(moment), id)
return { 'moved', text(moment), unpack(found) }
