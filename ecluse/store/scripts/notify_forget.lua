#!lua flags=allow-oom
-- notify_forget: an address is deleted because its visitor asked. What was told, and how often it changed, stays noted
-- until the ticket is finished, so that asking anew does not start that anew.
--
-- KEYS   … the last: addresses
-- ARGV   3 ticket id
-- Reply  forgotten | none
local key = KEYS[#KEYS]
KEYS[#KEYS] = nil
--include _room.lua
local before = redis.call('HGET', key, ARGV[3])
if not before then return { 'none' } end
local told, changes = string.match(before, '^(%S+) (%S+) ')
redis.call('HSET', key, ARGV[3], told .. ' ' .. changes .. ' - - -')
return { 'forgotten' }
