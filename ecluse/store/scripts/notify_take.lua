#!lua flags=allow-oom
-- notify_take: who is to be told now, each noted as told in the same step, so that no two workers tell them both; and the
-- next addresses are looked at, so that those of finished tickets are deleted. Bounded, however many addresses there are.
--
-- KEYS   … the last: addresses (hash: ticket id → 'told changes language way address'; told: - | near | called)
-- ARGV   3 most messages   4 most tickets to look at   5… for each lane: how many may be ahead of whose turn is near
-- Reply  <how many are kept>, then for each message: ticket id, near|called, how many are ahead, number of the lane,
--        'language way address'
local key = KEYS[#KEYS]
KEYS[#KEYS] = nil
--include _room.lua
local kept = redis.call('HLEN', key)
if kept == 0 then return { '0' } end
local most, looks, room, out = tonumber(ARGV[3]), tonumber(ARGV[4]), rules(), {}
local quiet = room.still or healing()

local function tell(id, value, event, ahead, lane)
  local _, changes, written = string.match(value, '^(%S+) (%S+) (.+)$')
  redis.call('HSET', key, id, event .. ' ' .. changes .. ' ' .. written)
  if written == '- - -' then return end
  for _, word in ipairs({ id, event, tostring(ahead), tostring(lane), written }) do out[#out + 1] = word end
end

-- Those called last are told at once; whoever is missed here is found below.
if not quiet then
  local called = redis.call('ZREVRANGE', CALLED, 0, looks - 1)
  local values = #called > 0 and redis.call('HMGET', key, unpack(called)) or {}
  for at, id in ipairs(called) do
    if #out >= most * 5 then break end
    if values[at] and string.sub(values[at], 1, 7) ~= 'called ' then tell(id, values[at], 'called', 0, 0) end
  end
end

-- A page of all addresses in each turn: exact ranks, and deletion whatever ended the ticket.
local page = redis.call('HSCAN', key, redis.call('HGET', STATE, 'notify_at') or '0', 'COUNT', looks)
for at = 1, #page[2], 2 do
  -- No room for more messages: the page is looked at again in the next turn.
  if #out >= most * 5 then return { tostring(kept), unpack(out) } end
  local id, value = page[2][at], redis.call('HGET', key, page[2][at]) or page[2][at + 1]
  local told, line, rank = string.match(value, '^(%S+)'), line_of(id)
  if line then
    for lane = 1, #KEYS - FIRST_LINE + 1 do
      local near = KEYS[FIRST_LINE - 1 + lane] == line and rank <= tonumber(ARGV[4 + lane])
      if near and told == '-' and not quiet then tell(id, value, 'near', rank, lane) end
    end
  else
    local where = look(id)[1]
    if where == 'called' then
      if told ~= 'called' and not quiet then tell(id, value, 'called', 0, 0) end
    elseif where == 'missed' then
      -- Should the place be taken back, its second turn is told of too.
      if told == 'called' then redis.call('HSET', key, id, 'near' .. string.sub(value, 7)) end
    else
      redis.call('HDEL', key, id)
      kept = kept - 1
    end
  end
end
redis.call('HSET', STATE, 'notify_at', page[1])
return { tostring(kept), unpack(out) }
