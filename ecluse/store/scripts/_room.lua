-- Prelude of every step: keys, clock, rules in force, pace bucket, admission.
--
-- KEYS   1 state  2 settings  3 called  4 admitted  5 missed  6 ended  7 shown  8 pressing  9 visits  10 drawn
--        11 moved  12 people (touched in nominative rooms only)  13 invitations (touched for who has one)  14… one line per lane
-- ARGV   1 now_ms (0: the clock of Redis)
--        2 rules: pace_per_minute burst capacity mode claim_ms session_ms session_max_ms line_max keep_ms hours people
--          (hours: always, timed, or drawn: timed with a draw at each opening; people: free, or named: nominative)
-- The rules are the starting values of the configuration; what an operator set live (KEYS[2]) wins.
-- Numbers that matter travel as text: a Lua reply would cut them to integers.
local STATE, SETTINGS, CALLED, ADMITTED = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local MISSED, ENDED, SHOWN, PRESSING, VISITS, DRAWN = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local MOVED, PEOPLE, INVITED, FIRST_LINE, LAST_LINE = KEYS[11], KEYS[12], KEYS[13], 14, #KEYS

local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end

local function text(number)
  return string.format('%.17g', number)
end

-- What the hours ask of the room. A closing is exact even where no worker is there to say so; before a worker has said
-- anything, places are given and nobody is let in.
local function scheduled()
  local plan = redis.call('HMGET', STATE, 'schedule', 'closes_at')
  if plan[1] == 'open' and now >= (tonumber(plan[2]) or math.huge) then return 'closed' end
  return plan[1] or 'unknown'
end

-- The capacity in force: where the pace is automatic, the session window lowers it.
local function windowed(capacity)
  local window = tonumber(redis.call('HGET', STATE, 'window'))
  if not window then return capacity end
  return capacity == 0 and window or math.min(capacity, window)
end

-- An operator's pause or closing wins, then the hours. `undrawn`: a ticket of now is one to be drawn.
local function rules()
  local pace, burst, capacity, mode, claim, session, session_max, line_max, keep, hours =
    string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) %S+$')
  local live = redis.call('HMGET', SETTINGS, 'pace_per_minute', 'burst', 'capacity', 'mode')
  local asked, schedule = live[4] or mode, hours == 'always' and 'open' or scheduled()
  mode = asked
  if schedule ~= 'open' and mode ~= 'paused' and mode ~= 'closed' then
    mode = schedule == 'unknown' and 'prequeue' or schedule
  end
  return {
    pace = tonumber(live[1] or pace), burst = tonumber(live[2] or burst),
    capacity = windowed(tonumber(live[3] or capacity)), mode = mode, asked = asked, schedule = schedule,
    
    undrawn = hours == 'drawn' and (schedule == 'prequeue' or schedule == 'unknown'),
    still = mode ~= 'open' and mode ~= 'queueing',
    claim_ms = tonumber(claim), session_ms = tonumber(session), session_max_ms = tonumber(session_max),
    line_max = tonumber(line_max), keep_ms = tonumber(keep),
  }
end

-- Numbers start from the clock, a hundred thousand a second from here on (2026-01-01), so that those of a later life stand
-- behind all of an earlier one, whatever was lost; and so they tell how old this life is, in ms.
local FIRST_MS = 1767225600000
local function number_at(ms) return math.floor((ms - FIRST_MS) * 100) end
local function life_ms() return now - FIRST_MS - tonumber(redis.call('HGET', STATE, 'base')) / 100 end

-- The life of this data: named by whoever touches it first.
-- `candidate`: a name, and after a space the life before it, if whoever touches it knew one: then Redis lost that.
local function epoch(candidate)
  local found = redis.call('HGET', STATE, 'epoch')
  if found then return found end
  local name, before = string.match(candidate, '^(%S+) ?(%S*)$')
  local base = number_at(now)
  redis.call('HSET', STATE, 'epoch', name, 'number', text(base), 'base', text(base))
  if before ~= '' then redis.call('HSET', STATE, 'healing_since', text(now)) end
  return name
end

-- Redis lost the line, and somebody knows it, or a ticket of its earlier life has come back: for this long nobody is
-- called and nobody passes, so that those at the front can present theirs too; up to twice as long while some of the
-- first hundred are still coming.
local HEALING_MS, HEALING_MOST_MS, HEALING_FRONT, HEALING_GAP_MS = 15000, 30000, 100, 3000
local function healing()
  local saved = redis.call('HMGET', STATE, 'healing_since', 'healing_front')
  local since, front = tonumber(saved[1]), tonumber(saved[2] or 0)
  if not since or now < since then return false end
  return now - since < HEALING_MS or (now - since < HEALING_MOST_MS and now - front < HEALING_GAP_MS)
end

local function active()
  return redis.call('ZCOUNT', ADMITTED, '(' .. text(now), '+inf')
end

-- The pace bucket (GCRA): `tat` is when it is full again, as of `bucket_at`. A change of pace keeps the part that is
-- full, and counts from when it is first seen (a tick looks four times a second). A clock that jumps back keeps the
-- debt there was, which is never more than an empty bucket.
local function keep_bucket(owed, interval)
  redis.call('HSET', STATE, 'tat', text(now + owed), 'interval', text(interval), 'bucket_at', text(now))
end

local function bucket(room)
  local interval = 60000 / room.pace
  local saved = redis.call('HMGET', STATE, 'tat', 'interval', 'bucket_at')
  local before, at = tonumber(saved[2]) or interval, tonumber(saved[3]) or now
  local owed = math.max(0, (tonumber(saved[1]) or now) - math.max(now, at)) * interval / before
  owed = math.min(owed, room.burst * interval)
  if before ~= interval or at > now then keep_bucket(owed, interval) end
  return { owed = owed, interval = interval, burst = room.burst }
end

local function wait_ms(pace, reserved)
  return pace.owed + (reserved + 1 - pace.burst) * pace.interval
end

local function admit(id, room, pace)
  local started = math.floor(now)
  local expiry = started + math.min(room.session_ms, room.session_max_ms)
  redis.call('ZADD', ADMITTED, text(expiry), id)
  redis.call('HSET', VISITS, id, text(started))
  keep_bucket(pace.owed + pace.interval, pace.interval)
  redis.call('HINCRBY', STATE, 'admissions', 1)
  return { 'admitted', text(expiry), text(started) }
end

-- Counts for the public statistics, each of them only ever growing: the worker takes what is new (`count.lua`). How long
-- people waited goes into stretches as `ecluse.domain.statistics` reads them.
local function count_arrival(lane) redis.call('HINCRBY', STATE, 'joined:' .. lane, 1) end

local function count_admission(lane, waited_ms)
  local stretch = math.floor(4 * math.log(1 + math.max(0, waited_ms) / 15000) / math.log(2))
  redis.call('HINCRBY', STATE, 'in:' .. lane, 1)
  redis.call('HINCRBY', STATE, 'wait:' .. math.min(stretch, 59), 1)
end

local function line_of(id)
  for index = FIRST_LINE, LAST_LINE do
    local rank = redis.call('ZRANK', KEYS[index], id)
    if rank then return KEYS[index], rank end
  end
end

-- Where a ticket is: the word of its state, and what belongs to it. Reads only.
local function look(id)
  local expiry = redis.call('ZSCORE', ADMITTED, id)
  if expiry and tonumber(expiry) > now then
    return { 'admitted', expiry, redis.call('HGET', VISITS, id) or expiry }
  end
  local deadline = redis.call('ZSCORE', CALLED, id)
  if deadline then return { 'called', deadline } end
  local line, rank = line_of(id)
  if line then return { 'waiting', tostring(rank) } end
  local missed = redis.call('ZSCORE', MISSED, id)
  if missed then return { tonumber(missed) > 0 and 'missed' or 'gone' } end
  if expiry or redis.call('ZSCORE', ENDED, id) then return { 'ended' } end
  return { 'absent' }
end

-- A copy of a ticket that was issued before its place moved to another device holds nothing any more. `issued_at` in
-- seconds, as in the ticket; '' where no copy was shown.
local function moved(id, issued_at)
  local issued, moment = tonumber(issued_at), redis.call('ZSCORE', MOVED, id)
  if issued and moment and issued < tonumber(moment) then return { 'moved', moment } end
end

-- A called visitor was heard of: how long after the call goes into the counts the worker learns from
-- (below 0.5 s, 1 s, 2 s … as `ecluse.domain.calling`).
local function heard(id, deadline, room)
  if redis.call('ZADD', SHOWN, 'NX', deadline, id) == 1 then
    local age, edge, stretch = room.claim_ms - (deadline - now), 500, 0
    while age >= edge and stretch < 10 do
      edge = edge * 2
      stretch = stretch + 1
    end
    redis.call('HINCRBY', STATE, 'heard:' .. stretch, 1)
  end
end

-- How often more time was asked for: kept in the thousandths of the deadline in `shown`, as nothing else is stored
-- per ticket.
local function times_extended(id)
  local shown = tonumber(redis.call('ZSCORE', SHOWN, id))
  return math.floor((shown - math.floor(shown)) * 1000 + 0.5)
end

-- A person's place, in nominative rooms: the digest leads to what the ticket says (id lane number n|d epoch), and the id
-- of a live ticket back to the digest. Both end with the ticket, so there are as many as there are people here.
local NAMED = string.match(ARGV[2], ' named$') ~= nil

local function hold_for(person, id, lane_key, number, kind, life, made_with)
  local lane = string.match(lane_key, ':line:(.*)$')
  if made_with then redis.call('HSET', PEOPLE, 'key', made_with) end
  redis.call('HSET', PEOPLE, person, table.concat({ id, lane, number, kind, life }, ' '), id, person)
end

local function let_go(id)
  if not NAMED then return end
  local person = redis.call('HGET', PEOPLE, id)
  if not person then return end
  local record = redis.call('HGET', PEOPLE, person)
  redis.call('HDEL', PEOPLE, id)
  if record and string.match(record, '^%S+') == id then redis.call('HDEL', PEOPLE, person) end
end

-- A lane's quota: how many of `most` calls are left in this campaign, or on this day (UTC) in a room without hours.
local function quota_period()
  if string.match(ARGV[2], ' (%S+) %S+$') == 'always' then return text(math.floor(now / 86400000)) end
  return redis.call('HGET', STATE, 'campaign_at') or '0'
end

local function quota_left(lane, most)
  if most == 0 then return math.huge end
  local saved = redis.call('HMGET', STATE, 'quota:' .. lane, 'quota_of:' .. lane)
  if saved[2] ~= quota_period() then return most end
  return math.max(0, most - tonumber(saved[1]))
end

local function use_quota(lane, most, how_many)
  if most == 0 or how_many == 0 then return end
  local used = most - quota_left(lane, most) + how_many
  redis.call('HSET', STATE, 'quota:' .. lane, text(used), 'quota_of:' .. lane, quota_period())
end

-- Since when people wait in a lane with a longest wait: marks `number:ms`, by when all up to that number had joined, about
-- a sixteenth of that wait apart. Numbers up to `overdue` have waited longer; time before an opening does not count.
local function note_joining(lane, number, longest)
  local marks = redis.call('HGET', STATE, 'since:' .. lane) or ''
  local kept = {}
  for mark, at in string.gmatch(marks, '(%S+:(%S+))') do
    if tonumber(at) <= now - longest then kept = {} end
    kept[#kept + 1] = mark
  end
  -- The last mark moves along until it is far enough from the one before.
  local before = #kept > 1 and tonumber(string.match(kept[#kept - 1], ':(%S+)$'))
  kept[before and now - before < longest / 16 and #kept or #kept + 1] = text(number) .. ':' .. text(math.floor(now))
  while #kept > 40 do table.remove(kept, 1) end
  redis.call('HSET', STATE, 'since:' .. lane, table.concat(kept, ' '))
end

local function overdue(lane, longest)
  local opened = tonumber(redis.call('HGET', STATE, 'opens_at')) or 0
  local upto = 0
  if now - opened < longest and opened <= now then return upto end
  for number, at in string.gmatch(redis.call('HGET', STATE, 'since:' .. lane) or '', '(%S+):(%S+)') do
    if tonumber(at) <= now - longest then upto = tonumber(number) end
  end
  return upto
end

local function waiting_total()
  local total = 0
  for index = FIRST_LINE, LAST_LINE do total = total + redis.call('ZCARD', KEYS[index]) end
  return total
end

local function forget_call(id)
  redis.call('ZREM', CALLED, id)
  redis.call('ZREM', SHOWN, id)
  redis.call('ZREM', PRESSING, id)
end

-- Whether an id is among those of the draw: the list is one string, sorted, eleven characters and a line end each.
-- A list that Redis lost contradicts nobody.
local function on_the_list(id)
  local low, high = 0, redis.call('STRLEN', DRAWN) / 12
  if high == 0 then return true end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if redis.call('GETRANGE', DRAWN, middle * 12, middle * 12 + 10) < id then low = middle + 1 else high = middle end
  end
  return redis.call('GETRANGE', DRAWN, low * 12, low * 12 + 10) == id
end
