#!lua flags=allow-oom
-- beacon: the value that decides a draw, given by an operator: only after the list was fixed, and only once.
--
-- ARGV   3 the value and its source, JSON
-- Reply  taken | early (the list is not fixed yet) | late (the draw is decided) | none (nothing is drawn here)
--include _room.lua
local found = redis.call('HMGET', STATE, 'draw_state', 'beacon')
if not found[1] then return { 'none' } end
if found[1] == 'none' or found[1] == 'announced' then return { 'early' } end
if found[2] == ARGV[3] then return { 'taken' } end
if found[1] ~= 'closed' or found[2] then return { 'late' } end
redis.call('HSET', STATE, 'beacon', ARGV[3])
return { 'taken' }
