-- The state of a circuit breaker, shared by everybody who names the same key.
--
-- KEYS[1]  hash: state, era, failures, limits, successes, openings, until, probing, and ten of rates
-- ARGV     operation, microseconds that the key lives when idle, and what the operation needs
--
-- The time is the server's. A reply is a line of whole numbers: what happened, the era of an
-- admission, the microseconds to wait, the state.

local CLOSED, OPEN, HALF_OPEN, FORCED_OPEN, FORCED_CLOSED = 0, 1, 2, 3, 4
local NOTHING, ADMITTED, PROBE, OPENED, CLOSED_AGAIN, FIRST_PROBE = 0, 1, 2, 3, 4, 5
local SUCCESS, FAILURE, NEUTRAL, LIMITED = 0, 1, 2, 3
local NOW = -1 -- an admission whose era is not known counts as one of now
local RATES = 10

local key, operation = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local kept = redis.call('HMGET', key, 'state', 'era', 'failures', 'successes', 'openings',
  'until', 'probing', 'limits')
local state, era = tonumber(kept[1]) or CLOSED, tonumber(kept[2]) or now
local failures, successes = tonumber(kept[3]) or 0, tonumber(kept[4]) or 0
local openings, till = tonumber(kept[5]) or 0, tonumber(kept[6]) or 0
local probing, limits = kept[7] == '1', tonumber(kept[8]) or 0

local function save()
  redis.call('HSET', key, 'state', state, 'era', string.format('%.0f', era),
    'failures', failures, 'limits', limits, 'successes', successes, 'openings', openings,
    'until', string.format('%.0f', till), 'probing', probing and '1' or '0')
end

local function keep_alive()
  if state == FORCED_OPEN or state == FORCED_CLOSED then
    redis.call('PERSIST', key) -- somebody's decision, until somebody takes it back
  else
    redis.call('PEXPIRE', key, math.ceil((tonumber(ARGV[2]) + math.max(0, till - now)) / 1000))
  end
end

local function remaining()
  if state == FORCED_OPEN then
    return -1
  end
  if state == OPEN or (state == HALF_OPEN and probing) then
    return math.max(0, till - now)
  end
  return 0
end

local function line(what, wait, shown)
  return string.format('%d %.0f %.0f %d', what, era, wait, shown)
end

local function reply(what)
  keep_alive()
  return line(what, remaining(), state)
end

local function rate_key(number)
  return string.format('rate%.0f', number % RATES)
end

-- Results of calls admitted before no longer count. An era is later than all that were lost with
-- an expired key.
local function enter(new)
  state, era, failures, limits, probing = new, math.max(era + 1, now), 0, 0, false
  if new ~= HALF_OPEN then
    successes = 0
  end
  if new == OPEN then
    openings = openings + 1
  elseif new == CLOSED then
    openings = 0
    for number = 0, RATES - 1 do
      redis.call('HDEL', key, rate_key(number))
    end
  end
end

if operation == 'read' then
  if state == OPEN and now >= till then
    return line(NOTHING, 0, HALF_OPEN)
  end
  return line(NOTHING, remaining(), state)
end

if operation == 'acquire' then
  if state == CLOSED or state == FORCED_CLOSED then
    if not kept[2] then
      save()
    end
    return reply(ADMITTED)
  end
  local first = state == OPEN and now >= till
  if first then
    enter(HALF_OPEN)
  end
  if state ~= HALF_OPEN or (probing and now < till) then
    return reply(NOTHING)
  end
  -- An era for each probe: what a lost one says later is not heard.
  era, probing, till = math.max(era + 1, now), true, now + tonumber(ARGV[3])
  save()
  return reply(first and FIRST_PROBE or PROBE)
end

if operation == 'force' then
  enter(tonumber(ARGV[3]))
  save()
  return reply(NOTHING)
end

if operation == 'open_for' then
  if state == FORCED_OPEN or state == FORCED_CLOSED then
    return reply(NOTHING)
  end
  local asked, was = now + tonumber(ARGV[3]), state
  till = was == OPEN and math.max(till, asked) or asked
  if was ~= OPEN then
    enter(OPEN)
  end
  save()
  return reply(was == OPEN and NOTHING or OPENED)
end

-- settle
local given, verdict, slow = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
local asked, draw = tonumber(ARGV[6]), tonumber(ARGV[7])
local threshold, recovery, longest = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local probes, window, minimum = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local failure_rate, slow_rate = tonumber(ARGV[14]), tonumber(ARGV[15]) -- above 1: not looked at
local jitter = tonumber(ARGV[16])

local function open()
  local bound = recovery
  if longest > 0 then
    bound = math.min(longest, recovery * 2 ^ math.min(openings, 64))
  end
  bound = math.max(bound, recovery * (1 + jitter))
  local seconds = math.max(recovery + draw * (bound - recovery), asked)
  if verdict == LIMITED and asked > 0 then
    seconds = asked -- it is not down, and says itself when it has room
  end
  till = math.floor(now + seconds)
  enter(OPEN)
  save()
  return reply(OPENED)
end

local function count_rate(failed)
  local current = math.floor(now * RATES / window)
  local calls, failing, slows = 0, 0, 0
  for number = 0, RATES - 1 do
    local field = rate_key(number)
    local bucket, c, f, s = string.match(redis.call('HGET', key, field) or '',
      '(%d+) (%d+) (%d+) (%d+)')
    if number == current % RATES then
      if not bucket or tonumber(bucket) < current then
        bucket, c, f, s = current, 0, 0, 0
      end
      c, f, s = c + 1, f + (failed and 1 or 0), s + (slow and 1 or 0)
      redis.call('HSET', key, field, string.format('%.0f %d %d %d', bucket, c, f, s))
    end
    if bucket and tonumber(bucket) > current - RATES then
      calls, failing, slows = calls + c, failing + f, slows + s
    end
  end
  if not (failed or slow) or calls < minimum then
    return false
  end
  return failing / calls >= failure_rate or slows / calls >= slow_rate
end

if given ~= era and not (given == NOW and state == CLOSED) then
  return reply(NOTHING)
end
if state == CLOSED then
  if verdict == NEUTRAL then
    return reply(NOTHING)
  end
  local before, limited = failures, limits
  if verdict == LIMITED then
    limits = limits + 1
  else
    failures = verdict == FAILURE and failures + 1 or 0
    limits = verdict == FAILURE and limits or 0
  end
  local exceeded = (failure_rate <= 1 or slow_rate <= 1) and count_rate(verdict == FAILURE)
  if failures >= threshold or limits >= threshold or exceeded then
    return open()
  end
  if failures ~= before or limits ~= limited then
    save()
  end
  return reply(NOTHING)
end
if state ~= HALF_OPEN then
  return reply(NOTHING)
end
probing = false
if verdict == NEUTRAL then
  save()
  return reply(NOTHING)
end
if verdict ~= SUCCESS or slow then
  return open()
end
successes = successes + 1
if successes >= probes then
  enter(CLOSED)
  save()
  return reply(CLOSED_AGAIN)
end
save()
return reply(NOTHING)
