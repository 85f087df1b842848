-- The window of a budget, shared by everybody who names the same key.
--
-- KEYS[1]  hash: shape, current, sum, paused and one field for each bucket in use
-- KEYS[2]  the lease of a reservation: exists until it is settled or has left the window, and says
--          in which bucket it is booked, or that it was withdrawn
-- ARGV     operation, width of a bucket in microseconds, number of buckets, and what it needs
--
-- The time is the server's, the cost does not depend on the amounts, and a reply is integers only:
-- 1 done, 0 no room, -1 the key holds a window of another shape.

local WITHDRAWN = 'withdrawn'

local key = KEYS[1]
local operation, width, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local shape = ARGV[2] .. 'x' .. ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- Amounts travel and are kept as five packed doubles: exact up to 2^53, and cheap to read.
local function vector(packed)
  if not packed then
    return {0, 0, 0, 0, 0}
  end
  local requests, tokens, input, output, money = struct.unpack('<ddddd', packed)
  return {requests, tokens, input, output, money}
end

local function pack(numbers)
  return struct.pack('<ddddd', unpack(numbers))
end

local function slot(bucket)
  return string.format('%.0f', bucket % count)
end

local head = redis.call('HMGET', key, 'shape', 'current', 'sum', 'paused')
if head[1] and head[1] ~= shape then
  return {-1}
end
local current = math.floor(now / width)
local seen = tonumber(head[2]) or current
local sum = vector(head[3])
local paused = tonumber(head[4]) or 0

if seen - current >= count then
  -- The clock was set back by more than a window: all that is booked counts from now.
  redis.call('DEL', key)
  redis.call('HSET', key, slot(current), pack(sum))
  paused = 0
elseif seen > current then
  current = seen -- set back by less: nothing leaves before its time
elseif current - seen >= count then
  redis.call('DEL', key)
  sum = vector()
elseif current > seen then
  local old = {}
  for bucket = seen + 1, current do
    old[#old + 1] = slot(bucket)
  end
  for _, kept in ipairs(redis.call('HMGET', key, unpack(old))) do
    if kept then
      for place, amount in ipairs(vector(kept)) do
        sum[place] = sum[place] - amount
      end
    end
  end
  redis.call('HDEL', key, unpack(old))
end

local function add(bucket, amounts)
  local kept = vector(redis.call('HGET', key, slot(bucket)))
  for place, amount in ipairs(amounts) do
    local change = math.max(amount, -kept[place])
    kept[place] = kept[place] + change
    sum[place] = sum[place] + change
  end
  redis.call('HSET', key, slot(bucket), pack(kept))
end

local lifetime = math.ceil(width * (count + 1) / 1000)

local function save()
  redis.call('HSET', key, 'shape', shape, 'current', string.format('%.0f', current),
    'sum', pack(sum), 'paused', string.format('%.0f', paused))
  redis.call('PEXPIRE', key, math.max(lifetime, math.ceil((paused - now) / 1000)))
end

-- Microseconds until no sum is too high by more than `excess`, if nothing else is booked.
local function until_room(excess)
  local slots = {}
  for bucket = current - count + 1, current do
    slots[#slots + 1] = slot(bucket)
  end
  for number, kept in ipairs(redis.call('HMGET', key, unpack(slots))) do
    if kept then
      local most = 0
      for place, amount in ipairs(vector(kept)) do
        excess[place] = excess[place] - amount
        most = math.max(most, excess[place])
      end
      if most <= 0 then
        return (current + number) * width - now
      end
    end
  end
  return count * width
end

if operation == 'reserve' then
  local amounts, ahead, limits = vector(ARGV[4]), vector(ARGV[5]), vector(ARGV[6])
  local booked = redis.call('GET', KEYS[2])
  if booked == WITHDRAWN then
    save()
    return {0, -1, 0, now}
  end
  if booked then
    save()
    return {1, tonumber(booked), 0, now} -- asked again because the reply was lost
  end
  local excess, full = {}, false
  for place, limit in ipairs(limits) do
    local wanted = amounts[place] + ahead[place]
    excess[place] = limit < 0 and 0 or sum[place] + math.min(wanted, limit) - limit
    full = full or (limit >= 0 and sum[place] + wanted > limit)
  end
  if full or now < paused then
    save()
    return {0, -1, math.max(full and until_room(excess) or 0, paused - now), now}
  end
  add(current, amounts)
  redis.call('SET', KEYS[2], string.format('%.0f', current), 'PX', lifetime)
  save()
  return {1, current, 0, now}
end

if operation == 'withdraw' then
  -- Whoever asked has gone; the question may still be under way, and books nothing then.
  local booked = redis.call('GET', KEYS[2])
  redis.call('SET', KEYS[2], WITHDRAWN, 'PX', lifetime)
  if booked and booked ~= WITHDRAWN and tonumber(booked) > current - count then
    local back = {}
    for place, amount in ipairs(vector(ARGV[4])) do
      back[place] = -amount
    end
    add(tonumber(booked), back)
  end
elseif operation == 'settle' then
  local bucket = tonumber(ARGV[4])
  if bucket <= current - count then
    add(current, vector(ARGV[6])) -- it has left the window, so that all of the use counts now
  elseif redis.call('DEL', KEYS[2]) == 1 then
    -- Room comes back where it was taken; an overrun counts from now.
    local back, more = {}, {}
    for place, change in ipairs(vector(ARGV[5])) do
      back[place], more[place] = math.min(change, 0), math.max(change, 0)
    end
    add(bucket, back)
    add(current, more)
  end
elseif operation == 'book' then
  add(current, vector(ARGV[4]))
elseif operation == 'learn' then
  -- A provider's count below what is free here: somebody else has spent the difference.
  local foreign, remaining = {}, vector(ARGV[5])
  for place, limit in ipairs(vector(ARGV[4])) do
    local known = limit >= 0 and remaining[place] >= 0
    local free = math.max(0, limit - sum[place])
    foreign[place] = known and math.max(0, free - remaining[place]) or 0
  end
  add(current, foreign)
  paused = math.max(paused, now + tonumber(ARGV[6]))
end
save()
return {1, unpack(sum)}
