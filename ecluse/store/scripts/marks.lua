#!lua flags=no-writes
-- marks: the places at given ranks of one lane's line. Reads only; a few microseconds a mark, at any length of line.
--
-- ARGV   3 number of the lane's line, from 1   4… ranks, from 0
-- Reply  the places, in order; shorter if the line got shorter
--include _room.lua
local line, places = KEYS[FIRST_LINE - 1 + tonumber(ARGV[3])], {}
for at = 4, #ARGV do
  local found = redis.call('ZRANGE', line, ARGV[at], ARGV[at], 'WITHSCORES')
  if not found[2] then break end
  places[#places + 1] = found[2]
end
return places
