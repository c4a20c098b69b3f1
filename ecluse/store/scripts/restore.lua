#!lua
-- restore: a visitor presents a signed ticket. It is where it is; if Redis lost it, it goes back to its own place;
-- if its turn was missed and the visitor asks, it goes back to its own place once.
--
-- ARGV   3 ticket id   4 number of the lane's line, from 1   5 epoch to use if the room has none
--        6 place   7 epoch of the ticket   8 number of the ticket   9 '1' if a missed place is asked back
--        10 d if the ticket was to be drawn, else n   11 when the copy shown was issued, seconds
--        12 person of the ticket ('' if it has none)
-- Reply  <epoch in force>, then: admitted <expiry_ms> <started_ms> | called <deadline_ms> | waiting <ahead>
--        restored <ahead> <d or n: whether its place is a drawn one> | missed | gone | ended | full | closed
--        moved <moment, seconds>
--include _room.lua
local id, line = ARGV[3], KEYS[FIRST_LINE - 1 + tonumber(ARGV[4])]
local life = epoch(ARGV[5])
local function reply(word, value, more) return { life, word, value, more } end
local elsewhere = moved(id, ARGV[11])
if elsewhere then return reply(unpack(elsewhere)) end
local found = look(id)

local number, place = tonumber(ARGV[8]), ARGV[6]
-- Given before this campaign: it opens nothing any more, whatever was lost.
if found[1] ~= 'admitted' and number <= (tonumber(redis.call('HGET', STATE, 'first')) or 0) then return reply('gone') end
local back = found[1] == 'missed' and ARGV[9] == '1'
-- Lost: from an earlier life of the data, or numbered after the last number this life knows (a failover's last second).
local lost = found[1] == 'absent'
  and (ARGV[7] ~= life or number > tonumber(redis.call('HGET', STATE, 'number')))
if not (back or lost) then
  if found[1] == 'absent' then return reply('gone') end
  return reply(unpack(found))
end
local room = rules()
if room.mode == 'closed' or room.schedule == 'closed' then return reply('closed') end
-- Only who is on the published list has a drawn place; who came back after it was fixed stands behind the drawn.
local kind = ARGV[10]
if kind == 'd' and not on_the_list(id) then place, kind = ARGV[8], 'n' end
-- One live place a person: of two that wait, the earlier one; who was called with the later one keeps that.
local other, there
if NAMED and ARGV[12] ~= '' then
  other = string.match(redis.call('HGET', PEOPLE, ARGV[12]) or '', '^%S+')
  if other == id then other = nil end
  there = other and look(other)[1]
  if there == 'called' or there == 'admitted' or there == 'missed' then return reply('gone') end
end
if there ~= 'waiting' and waiting_total() >= room.line_max then return reply('full') end
if there == 'waiting' then
  redis.call('ZADD', ENDED, 'NX', text(now), other)
  for index = FIRST_LINE, LAST_LINE do redis.call('ZREM', KEYS[index], other) end
end
if other then let_go(other) end
if lost and number > tonumber(redis.call('HGET', STATE, 'number')) then
  redis.call('HSET', STATE, 'number', ARGV[8])
end
if lost and ARGV[7] ~= life then redis.call('HSETNX', STATE, 'healing_since', text(now)) end
redis.call('ZADD', line, place, id)
if NAMED and ARGV[12] ~= '' then hold_for(ARGV[12], id, line, ARGV[8], kind, life) end
redis.call('HINCRBY', STATE, lost and 'restored' or 'rejoined', 1)
local rank = redis.call('ZRANK', line, id)
if lost and rank < HEALING_FRONT then redis.call('HSET', STATE, 'healing_front', text(now)) end
return reply('restored', tostring(rank), kind)
