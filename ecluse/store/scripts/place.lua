#!lua flags=allow-oom
-- place: a piece of the drawn tickets go to their drawn places. The pieces follow each other, whoever does them: a piece
-- that is not the next one changes nothing. Who left meanwhile stays away.
--
-- ARGV   3 start of the campaign, ms   4 how many were done   5 how many are then   6 '1' for the last piece
--        7… place, id, … a few hundred tickets
-- Reply  placed <done> | stale <done>
--include _room.lua
local found = redis.call('HMGET', STATE, 'campaign_at', 'draw_state', 'draw_done')
if found[1] ~= ARGV[3] or found[2] ~= 'drawn' or found[3] ~= ARGV[4] then return { 'stale', found[3] or '0' } end
local pairs_of = {}
for at = 7, #ARGV do pairs_of[#pairs_of + 1] = ARGV[at] end
for index = FIRST_LINE, #KEYS do
  if #pairs_of > 0 then redis.call('ZADD', KEYS[index], 'XX', unpack(pairs_of)) end
end
redis.call('HSET', STATE, 'draw_done', ARGV[5])
if ARGV[6] == '1' then redis.call('HSET', STATE, 'draw_state', 'placed') end
return { 'placed', ARGV[5] }
