#!lua
-- tries: one more try under each of some marks, unless one of them had too many in this stretch of time. Then none is counted.
-- A count-min sketch (Cormode and Muthukrishnan 2005): a fixed number of counters, whoever asks. Every mark has one counter in
-- each of two rows; the lower of the two is never below its true count, and above it only if both are shared.
--
-- KEYS   1 tries
-- ARGV   1 now_ms (0: the clock of Redis)   2 length of a stretch, ms   3… for each mark: its counters, from 0, and the most tries
-- Reply  counted | many <wait_ms>
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end
local length = tonumber(ARGV[2])
local stretch = math.floor(now / length)
local held = redis.call('BITFIELD', KEYS[1], 'GET', 'u32', '0')[1]
if held ~= stretch then
  redis.call('UNLINK', KEYS[1])
  redis.call('BITFIELD', KEYS[1], 'SET', 'u32', '0', tostring(stretch))
end
-- The first two counters of 16 bits are the number of the stretch.
local function counter(at) return '#' .. (tonumber(at) + 2) end
for at = 3, #ARGV, 3 do
  local found = redis.call('BITFIELD', KEYS[1], 'GET', 'u16', counter(ARGV[at]), 'GET', 'u16', counter(ARGV[at + 1]))
  if math.min(found[1], found[2]) >= tonumber(ARGV[at + 2]) then
    return { 'many', string.format('%.17g', (stretch + 1) * length - now) }
  end
end
for at = 3, #ARGV, 3 do
  redis.call('BITFIELD', KEYS[1], 'OVERFLOW', 'SAT', 'INCRBY', 'u16', counter(ARGV[at]), '1',
    'INCRBY', 'u16', counter(ARGV[at + 1]), '1')
end
redis.call('PEXPIRE', KEYS[1], tostring(math.floor(2 * length)))
return { 'counted' }
