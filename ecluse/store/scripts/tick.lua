#!lua flags=allow-oom
-- tick: one worker takes this turn, and the picture it decides on. The others are told that it is taken.
--
-- ARGV   3 shortest time between two turns, ms   4 epoch to use if the room has none   5… names of the lanes
-- Reply  busy | tick <JSON: now_ms, epoch, calls, admissions, missed, left, joins, heard[], pace, burst, capacity,
--        mode, asked, notice, version, owed_ms, active, called, pressing, silent[], lanes {name: {waiting, serving, quota_used}},
--        past[] and long_past[] (silent longer than each stretch begins: now, and at the turn before), watched_ms,
--        memory, slots_left, pace, since_ms, age_ms (of this life),
--        healing {since_ms, calls_from_ms} (once Redis lost a life of the room)>
--include _room.lua
local before = tonumber(redis.call('HGET', STATE, 'tick_at') or 0)
if now >= before and now - before < tonumber(ARGV[3]) then return { 'busy' } end
local life = epoch(ARGV[4])
redis.call('HSET', STATE, 'tick_at', text(now))
local room, state = rules(), {}
local all = redis.call('HGETALL', STATE)
for at = 1, #all, 2 do state[all[at]] = all[at + 1] end

local function silent_for_more_than(age)
  local older = '(' .. text(now + room.claim_ms - age)
  return redis.call('ZCOUNT', CALLED, '-inf', older) - redis.call('ZCOUNT', SHOWN, '-inf', older)
end

local heard_counts, silent, younger = {}, {}, text(now + room.claim_ms * 4)
-- After a while without any turn, only its end counts.
local past, long_past, watched_ms = {}, {}, math.max(0, math.min(now - before, 2000))
local edge = 500
for stretch = 0, 10 do
  local start = stretch == 0 and 0 or edge / 2
  past[stretch + 1], long_past[stretch + 1] = silent_for_more_than(start), silent_for_more_than(start + watched_ms)
  heard_counts[stretch + 1] = tonumber(state['heard:' .. stretch] or 0)
  local older = stretch == 10 and '-inf' or '(' .. text(now + room.claim_ms - edge)
  silent[stretch + 1] = redis.call('ZCOUNT', CALLED, older, younger) - redis.call('ZCOUNT', SHOWN, older, younger)
  younger, edge = text(now + room.claim_ms - edge), edge * 2
end
-- Serving goes as text: cjson keeps 14 digits of a drawn place, and whoever was called last would seem to wait.
local lanes = {}
for at = 5, #ARGV do
  lanes[ARGV[at]] = { waiting = redis.call('ZCARD', KEYS[FIRST_LINE + at - 5]),
    serving = state['serving:' .. ARGV[at]] or '0' }
  if state['quota_of:' .. ARGV[at]] == quota_period() then lanes[ARGV[at]].quota_used = tonumber(state['quota:' .. ARGV[at]]) end
end
local live = redis.call('HMGET', SETTINGS, 'notice', 'version', 'pace')
local healed = tonumber(state.healing_since)
return { 'tick', cjson.encode({
  now_ms = text(now), since_ms = text(now - before), epoch = life, age_ms = life_ms(),
  mode = room.mode, asked = room.asked, notice = live[1] or '',
  version = tonumber(live[2] or 0), pace_per_minute = room.pace, burst = room.burst, capacity = room.capacity,
  owed_ms = bucket(room).owed, active = active(), called = redis.call('ZCARD', CALLED),
  pressing = redis.call('ZCOUNT', PRESSING, text(now - 15000), '+inf'), silent = silent, heard = heard_counts,
  past = past, long_past = long_past, watched_ms = text(watched_ms),
  calls = tonumber(state.calls or 0), admissions = tonumber(state.admissions or 0),
  missed = tonumber(state.missed or 0), left = tonumber(state.left or 0),
  joins = tonumber(state.number) - tonumber(state.base), lanes = lanes, memory = state.memory or '',
  slots_left = tonumber(state.slots_left), pace = live[3] or '',
  healing = healed and { since_ms = math.floor(healed), calls_from_ms = math.floor(healed) + HEALING_MS } or nil,
}) }
