#!lua
-- aid: a helper is about to take a place for somebody. One is kept free for it, if the helper has fewer live places than
-- its quota. Places that are over are let go, and one kept free that came to nothing within a minute. Sent twice for one
-- ticket it changes nothing.
--
-- KEYS   the usual ones, then last the places of this helper (hash: ticket id → record, or `kept <ms>`)
-- ARGV   3 ticket id   4 quota
-- Reply  kept <live places, with this one> | quota <live places>
--include _room.lua
LAST_LINE = #KEYS - 1
local HELD, id, quota = KEYS[#KEYS], ARGV[3], tonumber(ARGV[4])
local room, live, inside = rules(), 0, 0
local all = redis.call('HGETALL', HELD)
for at = 1, #all, 2 do
  local where = look(all[at])[1]
  local kept = where == 'absent' and tonumber(string.match(all[at + 1], '^kept (%d+)$'))
  if where == 'waiting' or where == 'called' or where == 'missed' or (kept and now - kept < 60000) then
    if all[at] ~= id then live = live + 1 end
  elseif where == 'admitted' and inside < quota then
    inside = inside + 1
  else
    redis.call('HDEL', HELD, all[at])
  end
end
if live >= quota then return { 'quota', tostring(live) } end
redis.call('HSETNX', HELD, id, 'kept ' .. text(math.floor(now)))
redis.call('PEXPIRE', HELD, text(room.keep_ms))
return { 'kept', tostring(live + 1) }
