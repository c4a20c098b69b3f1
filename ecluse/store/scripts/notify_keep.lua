#!lua
-- notify_keep: the address at which a visitor is told of the turn: one for each ticket, in place of any other. What was
-- told stays noted, and how often the address changed: neither starts anew with another address.
--
-- KEYS   … the last: addresses (hash: ticket id → 'told changes language way address')
-- ARGV   3 ticket id   4 'language way address'   5 most addresses of the room   6 most changes of one ticket
-- Reply  kept | full | often | or where the ticket is if nobody can be told of it any more (admitted, gone, ended, absent)
local key = KEYS[#KEYS]
KEYS[#KEYS] = nil
--include _room.lua
local id, most = ARGV[3], tonumber(ARGV[5])
local found = look(id)
if found[1] ~= 'waiting' and found[1] ~= 'called' and found[1] ~= 'missed' then return found end
local told, changes = '-', 0
local before = redis.call('HGET', key, id)
if before then
  local written
  told, changes, written = string.match(before, '^(%S+) (%S+) (.+)$')
  if written == ARGV[4] then return { 'kept' } end
elseif redis.call('HLEN', key) >= most then
  return { 'full' }
end
if tonumber(changes) >= tonumber(ARGV[6]) then return { 'often' } end
redis.call('HSET', key, id, told .. ' ' .. (tonumber(changes) + 1) .. ' ' .. ARGV[4])
-- Should no worker run to forget it, Redis does once no ticket of now can be alive.
redis.call('PEXPIRE', key, rules().keep_ms)
return { 'kept' }
