#!lua
-- invite: a batch of invitations comes into force, within what its issuer may give in a day. A batch that expired a day ago
-- is forgotten on the way, one at a time, so the record of invitations stays bounded. Sent twice, it counts once.
--
-- KEYS   1 invitations
-- ARGV   1 now_ms (0: the clock of Redis)   2 id of the batch   3 its record, JSON   4 how many   5 issuer
--        6 most an issuer may give in a day (UTC)   7 most batches kept   8 expires at, ms
-- Reply  issued | quota <left today> | full
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end
local saved = redis.call('HMGET', KEYS[1], 'index', 'given', 'b:' .. ARGV[2])
if saved[3] then return { 'issued' } end
local index, given = cjson.decode(saved[1] or '[]'), cjson.decode(saved[2] or '{"day":0}')
local day = math.floor(now / 86400000)
if given.day ~= day then given = { day = day } end
local issuer = 'by ' .. ARGV[5]
local already = given[issuer] or 0
if already + tonumber(ARGV[4]) > tonumber(ARGV[6]) then return { 'quota', tostring(tonumber(ARGV[6]) - already) } end

local gone
for at, batch in ipairs(index) do
  if not gone and batch.expires < now - 86400000 then gone = at end
end
if not gone and #index >= tonumber(ARGV[7]) then return { 'full' } end
if gone then
  local old = table.remove(index, gone)
  local fields = { 'b:' .. old.id, 'r:' .. old.id, 'n:' .. old.id }
  for number = 0, old.count - 1 do fields[#fields + 1] = 'u:' .. old.id .. ':' .. number end
  redis.call('HDEL', KEYS[1], unpack(fields))
end
index[#index + 1] = { id = ARGV[2], count = tonumber(ARGV[4]), expires = tonumber(ARGV[8]) }
given[issuer] = already + tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'index', cjson.encode(index), 'given', cjson.encode(given), 'b:' .. ARGV[2], ARGV[3])
return { 'issued' }
