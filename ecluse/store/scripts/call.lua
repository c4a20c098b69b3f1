#!lua flags=allow-oom
-- call: the front of the line moves to called, lanes sharing by weight (stride scheduling, Waldspurger 1995). A lane whose
-- quota is used up is as if nobody waited in it. A lane whose front waited longer than it should is next, at most every
-- second call and without a charge, so the others keep at least half of theirs, shared as ever.
-- Only for a tick whose picture still holds: if anybody called since, nothing happens.
--
-- ARGV   3 how many to call, at most 500   4 the count of calls the tick saw   5 weights of the lanes
--        6 their quotas (0: none)   7 their longest waits, ms (0: none)   8… their names, in the order of KEYS
-- Reply  called <for each lane, in order: how many, highest place called so far>; nothing more if nobody waits
--        stale | stopped | healing (tickets of a lost life are still coming back)
--include _room.lua
local room = rules()
if room.still then return { 'stopped' } end
if healing() then return { 'healing' } end
local calls = tonumber(redis.call('HGET', STATE, 'calls') or 0)
if calls ~= tonumber(ARGV[4]) then return { 'stale' } end
local most = math.min(tonumber(ARGV[3]), 500)

-- Decide first: how many from each lane. A lane that was empty starts level with the others; it saves no credit.
local lanes, floor = {}, nil
local quota, longest = string.gmatch(ARGV[6], '%S+'), string.gmatch(ARGV[7], '%S+')
for weight in string.gmatch(ARGV[5], '%S+') do
  local index = #lanes + 1
  local key, name = KEYS[FIRST_LINE - 1 + index], ARGV[7 + index]
  local used, quota_here, wait_here = tonumber(redis.call('HGET', STATE, 'used:' .. name) or 0), tonumber(quota()), tonumber(longest())
  lanes[index] = { key = key, name = name, cost = 1 / tonumber(weight), used = used, quota = quota_here,
    waiting = math.min(redis.call('ZCARD', key), quota_left(name, quota_here)), take = 0, late = 0 }
  if wait_here > 0 then lanes[index].late = redis.call('ZCOUNT', key, '-inf', text(overdue(name, wait_here))) end
  if lanes[index].waiting > 0 and (not floor or used < floor) then floor = used end
end
if not floor then return { 'called' } end
local level = math.max(floor, tonumber(redis.call('HGET', STATE, 'level') or 0))
for _, lane in ipairs(lanes) do lane.used = math.max(lane.used, level) end
local total, favoured = 0, redis.call('HGET', STATE, 'favoured') == '1'
local before = favoured
while total < most do
  local best, late
  for _, lane in ipairs(lanes) do
    if lane.take < lane.waiting then
      if not best or lane.used < best.used then best = lane end
      if lane.take < lane.late and (not late or lane.used < late.used) then late = lane end
    end
  end
  if not best then break end
  favoured = late ~= nil and late ~= best and not favoured
  if favoured then
    late.take = late.take + 1
  else
    level = best.used
    best.take, best.used = best.take + 1, best.used + best.cost
  end
  total = total + 1
end
if favoured ~= before then redis.call('HSET', STATE, 'favoured', favoured and '1' or '0') end

-- Who comes back after the line went past their place (asleep while Redis lost it) stands at the head, but takes no more
-- than one call in five while others wait, and ten at once: a flood of old tickets cannot stop the line. Who missed a
-- turn and asked it back is none of them.
local SIDE_SHARE, SIDE_MOST = 0.25, 10

local function window(key, from, count)
  local found, out = redis.call('ZRANGE', key, from, from + count - 1, 'WITHSCORES'), {}
  for at = 1, #found, 2 do out[#out + 1] = { id = found[at], place = tonumber(found[at + 1]) } end
  return out
end

local function chosen(lane, serving)
  local front, side = window(lane.key, 0, lane.take), {}
  for _, each in ipairs(front) do
    if each.place <= serving and not redis.call('ZSCORE', MISSED, each.id) then side[#side + 1] = each end
  end
  local credit = tonumber(redis.call('HGET', STATE, 'side:' .. lane.name) or SIDE_MOST)
  local room_for = math.floor(credit)
  if #side > room_for then
    -- Those after all who came back late; only where they do not suffice, more of the late ones.
    local late = redis.call('ZCOUNT', lane.key, '-inf', text(serving))
    local others = window(lane.key, math.max(late, lane.take), #side - room_for)
    local dropped = {}
    for at = #side, #side - #others + 1, -1 do dropped[side[at].id] = true end
    local kept = {}
    for _, each in ipairs(front) do if not dropped[each.id] then kept[#kept + 1] = each end end
    for _, each in ipairs(others) do kept[#kept + 1] = each end
    front = kept
  end
  local ordinary = 0
  for _, each in ipairs(front) do if each.place > serving then ordinary = ordinary + 1 end end
  if #side > 0 or credit < SIDE_MOST then
    local left = math.max(0, credit - math.min(#side, room_for)) + ordinary * SIDE_SHARE
    redis.call('HSET', STATE, 'side:' .. lane.name, text(math.min(SIDE_MOST, left)))
  end
  return front
end

local deadline, taken = text(math.floor(now) + room.claim_ms), {}
for _, lane in ipairs(lanes) do
  local serving = tonumber(redis.call('HGET', STATE, 'serving:' .. lane.name) or 0)
  if lane.take > 0 then
    local front = chosen(lane, serving)
    local entries, ids = {}, {}
    for _, each in ipairs(front) do
      entries[#entries + 1] = deadline
      entries[#entries + 1] = each.id
      ids[#ids + 1] = each.id
      serving = math.max(serving, each.place)
    end
    redis.call('ZADD', CALLED, unpack(entries))
    redis.call('ZREM', lane.key, unpack(ids))
    redis.call('HSET', STATE, 'used:' .. lane.name, text(lane.used), 'serving:' .. lane.name, text(serving))
    use_quota(lane.name, lane.quota, lane.take)
  end
  taken[#taken + 1] = tostring(lane.take)
  taken[#taken + 1] = text(serving)
end
redis.call('HSET', STATE, 'level', text(level), 'calls', tostring(calls + total))
return { 'called', unpack(taken) }
