#!lua flags=allow-oom
-- publish: the board, and what the worker learnt, so that any worker may take the next turn.
--
-- KEYS   the usual ones, then last the board
-- ARGV   3 board ('' to keep the one there is)   4 what the worker remembers, JSON
--        5 the session window in force ('' for none)
-- Reply  done
--include _room.lua
if ARGV[3] ~= '' then redis.call('SET', KEYS[#KEYS], ARGV[3]) end
redis.call('HSET', STATE, 'memory', ARGV[4])
if ARGV[5] == '' then redis.call('HDEL', STATE, 'window') else redis.call('HSET', STATE, 'window', ARGV[5]) end
return { 'done' }
