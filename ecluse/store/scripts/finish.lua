#!lua flags=allow-oom
-- finish: a visit is over (the origin said so, or an operator): its capacity is free and its pass opens nothing more.
--
-- ARGV   3 session id
-- Reply  ended <1 if it was live, else 0>
--include _room.lua
local id = ARGV[3]
redis.call('ZADD', ENDED, 'NX', text(now), id)
local live = redis.call('ZREM', ADMITTED, id)
redis.call('HDEL', VISITS, id)
let_go(id)
if live == 1 then redis.call('HINCRBY', STATE, 'finished', 1) end
return { 'ended', tostring(live) }
