#!lua flags=allow-oom
-- expire: calls past their deadline are missed (a second time: gone), visits past theirs are over, old marks are dropped.
-- While nobody is let in (paused, closed, before an opening) a call cannot be used, so it cannot be missed: its deadline moves on.
--
-- ARGV   3 most tickets of each kind to move
-- Reply  done|more <calls missed> <visits expired>
--include _room.lua
local room, most = rules(), tonumber(ARGV[3])
local late = redis.call('ZRANGEBYSCORE', CALLED, '-inf', text(now), 'LIMIT', 0, most)
for _, id in ipairs(late) do
  if room.still then
    redis.call('ZADD', CALLED, 'XX', text(math.floor(now) + room.claim_ms), id)
  else
    local before = redis.call('ZSCORE', MISSED, id)
    redis.call('ZADD', MISSED, text(before and -now or now), id)
    forget_call(id)
    if before then let_go(id) end
  end
end
local missed = room.still and 0 or #late
if missed > 0 then redis.call('HINCRBY', STATE, 'missed', missed) end

local over = redis.call('ZRANGEBYSCORE', ADMITTED, '-inf', text(now), 'LIMIT', 0, most)
for _, id in ipairs(over) do
  redis.call('ZREM', ADMITTED, id)
  redis.call('HDEL', VISITS, id)
  let_go(id)
end
if #over > 0 then redis.call('HINCRBY', STATE, 'expired', #over) end

local old = text(now - room.keep_ms)
local function drop(key, from, to)
  local ids = redis.call('ZRANGEBYSCORE', key, from, to, 'LIMIT', 0, most)
  if #ids > 0 then redis.call('ZREM', key, unpack(ids)) end
  return ids
end
drop(ENDED, '-inf', old)
drop(MOVED, '-inf', text((now - room.keep_ms) / 1000))
for _, id in ipairs(drop(MISSED, '1', old)) do let_go(id) end
drop(MISSED, '-' .. old, '-1')
drop(PRESSING, '-inf', text(now - 60000))
local more = #late == most or #over == most
return { more and 'more' or 'done', tostring(missed), tostring(#over) }
