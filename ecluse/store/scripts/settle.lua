#!lua flags=allow-oom
-- settle: an operator's change of the live settings and its entry in the journal, together or not at all.
--
-- KEYS   1 settings   2 journal
-- ARGV   1 version the change was made for ('' for any)   2 hash of the journal entry it follows
--        3 hash of the new entry   4 the new entry, JSON   5… field, value, …
-- Reply  settled <version> | conflict <version> | raced
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or 0)
local head = redis.call('HGET', KEYS[1], 'head') or ''
-- Sent a second time, as the reply was lost: it is settled. The hash is over the time, the content and the entry before.
if head == ARGV[3] then return { 'settled', tostring(version) } end
if ARGV[1] ~= '' and tonumber(ARGV[1]) ~= version then return { 'conflict', tostring(version) } end
if head ~= ARGV[2] then return { 'raced' } end
local fields = { 'version', tostring(version + 1), 'head', ARGV[3] }
for at = 5, #ARGV do fields[#fields + 1] = ARGV[at] end
redis.call('XADD', KEYS[2], '*', 'hash', ARGV[3], 'entry', ARGV[4])
redis.call('HSET', KEYS[1], unpack(fields))
return { 'settled', tostring(version + 1) }
