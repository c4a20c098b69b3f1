#!lua flags=allow-oom
-- schedule: what the hours ask of the room from now on, and what a closing and a new campaign bring with them.
-- For one opening it only ever goes forward (a clock that jumps back changes nothing), so it may be sent twice.
--
-- A campaign is one opening with its prequeue. Numbers given before it are at most `first`: their tickets are over,
-- and so are all visits. Numbers start from the clock, so `first` can be told even where Redis lost everything.
--
-- ARGV   3 closed|prequeue|drawing|open   4 opens_at, ms ('' if none is known)   5 closes_at, ms (or '')
--        6 start of the campaign, ms ('' while closed)   7 '1' to keep places over a closing
--        8 secret of a draw, should there be none yet ('' without a draw)   9… names of the lanes
-- Reply  settled | kept, then <what holds>
--include _room.lua
local schedule, opens, campaign, keep, secret = ARGV[3], ARGV[4], tonumber(ARGV[6]), ARGV[7] == '1', ARGV[8]
local order = { closed = 0, prequeue = 1, drawing = 2, open = 3 }
local state = redis.call('HMGET', STATE, 'schedule', 'opens_at', 'campaign_at', 'number', 'base')
local before = state[1]
if before and state[2] == opens and order[schedule] < order[before] then return { 'kept', before } end
local number = tonumber(state[4]) or 0

-- UNLINK frees in the background: a line of any length is let go in one bounded step.
local function empty_line()
  redis.call('HSET', STATE, 'first', text(number))
  for index = FIRST_LINE, #KEYS do redis.call('UNLINK', KEYS[index]) end
  redis.call('UNLINK', CALLED, SHOWN, PRESSING, MISSED)
  if NAMED then redis.call('UNLINK', PEOPLE) end
end

if campaign and campaign > (tonumber(state[3]) or 0) then
  local floor = number_at(campaign)
  redis.call('HSET', STATE, 'campaign_at', ARGV[6])
  if (tonumber(state[5]) or 0) <= floor then
    number = math.max(number, floor)
    redis.call('HSET', STATE, 'number', text(number))
    if not keep then empty_line() end
    if NAMED and keep then
      for _, id in ipairs(redis.call('ZRANGE', ADMITTED, 0, 4999)) do let_go(id) end
    end
    redis.call('UNLINK', ADMITTED, VISITS, DRAWN)
  elseif not keep then
    -- Redis lost this campaign: its tickets are still good, those of earlier ones are not.
    redis.call('HSET', STATE, 'first', text(floor))
  end
  local next_secret = redis.call('HGET', STATE, 'next_secret') or secret
  redis.call('HDEL', STATE, 'next_secret', 'draw', 'draw_state', 'draw_done', 'draw_secret', 'draw_upto', 'beacon')
  if secret ~= '' then
    redis.call('HSET', STATE, 'draw_secret', next_secret, 'draw_state', 'none', 'draw_done', '0')
    -- Drawn places are below 1: what was called in the last campaign says nothing of this one.
    for at = 9, #ARGV do redis.call('HSET', STATE, 'serving:' .. ARGV[at], '0') end
  end
end
if schedule == 'closed' and before ~= 'closed' and not keep then empty_line() end
if schedule == 'closed' and secret ~= '' then redis.call('HSETNX', STATE, 'next_secret', secret) end
if schedule == 'drawing' and before ~= 'drawing' then redis.call('HSET', STATE, 'draw_upto', text(number)) end
redis.call('HSET', STATE, 'schedule', schedule, 'opens_at', opens, 'closes_at', ARGV[5])
return { 'settled', schedule }
