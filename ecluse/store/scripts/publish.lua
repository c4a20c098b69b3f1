#!lua flags=allow-oom
-- publish: the board, and what the worker learnt, so that any worker may take the next turn.
--
-- KEYS   the usual ones, then last the board
-- ARGV   3 board ('' to keep the one there is)   4 what the worker remembers, JSON
-- Reply  done
--include _room.lua
if ARGV[3] ~= '' then redis.call('SET', KEYS[#KEYS], ARGV[3]) end
redis.call('HSET', STATE, 'memory', ARGV[4])
return { 'done' }
