#!lua flags=allow-oom
-- record: the public record of a draw goes one state further, together with the list it speaks of. Only from the
-- state its writer saw, in the campaign it was made for: of several workers, one is heard.
--
-- KEYS   the usual ones, then last the list as prepared ('' in ARGV[7]: none)
-- ARGV   3 start of the campaign, ms   4 state it follows   5 its state   6 the record, JSON
--        7 '1' if the prepared list becomes the list of the draw   8 the number behind which nobody is drawn ('': kept)
--        9 the secret of the draw ('': kept)
-- Reply  written | stale <state there is>
--include _room.lua
local found = redis.call('HMGET', STATE, 'campaign_at', 'draw_state')
if found[1] ~= ARGV[3] or (found[2] or 'none') ~= ARGV[4] then return { 'stale', found[2] or 'none' } end
if ARGV[7] == '1' and redis.call('EXISTS', KEYS[#KEYS]) == 1 then
  redis.call('RENAME', KEYS[#KEYS], DRAWN)
  redis.call('PERSIST', DRAWN)
end
redis.call('HSET', STATE, 'draw_state', ARGV[5], 'draw', ARGV[6])
if ARGV[8] ~= '' then redis.call('HSET', STATE, 'draw_upto', ARGV[8]) end
if ARGV[9] ~= '' then redis.call('HSET', STATE, 'draw_secret', ARGV[9]) end
return { 'written' }
