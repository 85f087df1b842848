-- What is known of one effect, shared by everybody who names the same key.
--
-- KEYS[1]  hash: state (running, done, unknown), owner, until (when a running call counts as lost),
--          result (JSON) and kept
-- ARGV     operation, owner, and what it needs
--
-- The time is the server's. A reply is integers only, as of all scripts here, in one text; what is
-- text itself travels six bytes to a number, after its length.

local key = KEYS[1]
local operation, owner = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function reply(state, wait, kept, text)
  local numbers = {state, string.format('%.0f', wait), kept, #text}
  local padded = text .. string.rep('\0', -#text % 6)
  for at = 1, #padded, 6 do
    numbers[#numbers + 1] = string.format('%.0f', struct.unpack('>I6', padded, at))
  end
  return table.concat(numbers, ' ')
end

if operation == 'begin' then
  local lease, longest = tonumber(ARGV[3]), tonumber(ARGV[4])
  local found = redis.call('HMGET', key, 'state', 'until', 'result', 'kept')
  local state = found[1]
  if state == 'done' then
    return reply(1, 0, tonumber(found[4]), found[3])
  end
  if state == 'running' and tonumber(found[2]) > now then
    return reply(3, tonumber(found[2]) - now, 0, '')
  end
  redis.call('DEL', key)
  redis.call('HSET', key, 'state', 'running', 'owner', owner,
    'until', string.format('%.0f', now + lease))
  -- A call that is never heard of again stays as long as what is known to be unknown.
  redis.call('PEXPIRE', key, longest)
  return reply(state and 2 or 0, 0, 0, '')
end

-- end
if redis.call('HGET', key, 'state') ~= 'running' or redis.call('HGET', key, 'owner') ~= owner then
  return '0'
end
redis.call('DEL', key)
local outcome, life, kept, result = ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
if outcome ~= 'failed' then
  redis.call('HSET', key, 'state', outcome, 'kept', kept, 'result', result)
  redis.call('PEXPIRE', key, life)
end
return '1'
