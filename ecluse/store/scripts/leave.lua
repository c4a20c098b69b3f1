#!lua flags=allow-oom
-- leave: a visitor gives up the place, or the call. Nobody else moves back.
--
-- ARGV   3 ticket id   4 when the copy shown was issued, seconds
-- Reply  left | moved <moment, seconds> | or where the ticket is instead (admitted, ended, absent), as `look`
--include _room.lua
local id = ARGV[3]
local found = moved(id, ARGV[4]) or look(id)
if found[1] == 'moved' then return found end
if found[1] == 'admitted' or found[1] == 'ended' or found[1] == 'absent' then return found end
-- The mark comes first: should the rest not happen, the ticket is already finished.
redis.call('ZADD', ENDED, 'NX', text(now), id)
for index = FIRST_LINE, #KEYS do redis.call('ZREM', KEYS[index], id) end
forget_call(id)
redis.call('ZREM', MISSED, id)
let_go(id)
redis.call('HINCRBY', STATE, 'left', 1)
return { 'left' }
