-- The window of a budget, shared by everybody who names the same key.
--
-- KEYS[1]  hash: the head (shape, current bucket, pause and sum) and one field for each bucket in use
-- KEYS[2]  the lease of a reservation: exists until it is settled or has left the window, and says
--          in which bucket it is booked, or that it was withdrawn
-- ARGV     operation, width of a bucket in microseconds, number of buckets, and what it needs
--
-- The time is the server's, the cost does not depend on the amounts, and a reply is integers only:
-- 1 done, 0 no room, -1 the key holds a window of another shape.

local WITHDRAWN = 'withdrawn'

local key = KEYS[1]
local operation, width, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- Amounts travel and are kept as five packed doubles: exact up to 2^53, and cheap to read.
local function vector(packed, from)
  if not packed then
    return {0, 0, 0, 0, 0}
  end
  local requests, tokens, input, output, money = struct.unpack('<ddddd', packed, from)
  return {requests, tokens, input, output, money}
end

local function pack(numbers)
  return struct.pack('<ddddd', unpack(numbers))
end

local function slot(bucket)
  return string.format('%.0f', bucket % count)
end

local current = math.floor(now / width)
local kept = redis.call('HMGET', key, 'head', slot(current))
local seen, paused, sum, newest = current, 0, vector(), nil
if kept[1] then
  local kept_width, kept_count
  kept_width, kept_count, seen, paused = struct.unpack('<dddd', kept[1])
  if kept_width ~= width or kept_count ~= count then
    return {-1}
  end
  sum = vector(kept[1], 33)
end

if seen == current then
  newest = vector(kept[2])
elseif seen - current >= count then
  -- The clock was set back by more than a window: all that is booked counts from now.
  redis.call('DEL', key)
  redis.call('HSET', key, slot(current), pack(sum))
  newest, paused = vector(pack(sum)), 0
elseif seen > current then
  current = seen -- set back by less: nothing leaves before its time
  newest = vector(redis.call('HGET', key, slot(current)))
elseif current - seen >= count then
  redis.call('DEL', key)
  sum, newest = vector(), vector()
else
  local old = {}
  for bucket = seen + 1, current do
    old[#old + 1] = slot(bucket)
  end
  for _, gone in ipairs(redis.call('HMGET', key, unpack(old))) do
    if gone then
      for place, amount in ipairs(vector(gone)) do
        sum[place] = sum[place] - amount
      end
    end
  end
  redis.call('HDEL', key, unpack(old))
  newest = vector()
end

local function add(bucket, amounts)
  local held = bucket == current and newest or vector(redis.call('HGET', key, slot(bucket)))
  for place = 1, 5 do
    local change = amounts[place]
    if change ~= 0 then
      change = math.max(change, -held[place])
      held[place], sum[place] = held[place] + change, sum[place] + change
    end
  end
  if bucket ~= current then
    redis.call('HSET', key, slot(bucket), pack(held))
  end
end

local lifetime = math.ceil(width * (count + 1) / 1000)

local function save()
  local head = struct.pack('<dddd', width, count, current, paused) .. pack(sum)
  redis.call('HSET', key, 'head', head, slot(current), pack(newest))
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

-- What was answered before, where the same is asked again because the reply was lost.
local function answered()
  local booked = redis.call('GET', KEYS[2])
  if booked == WITHDRAWN then
    return {0, -1, 0, now}
  end
  return booked and {1, tonumber(booked), 0, now}
end

if operation == 'reserve' then
  local amounts, ahead, limits = vector(ARGV[4]), vector(ARGV[5]), vector(ARGV[6])
  local full = false
  for place = 1, 5 do
    local limit = limits[place]
    if limit >= 0 and sum[place] + amounts[place] + ahead[place] > limit then
      full = true
    end
  end
  local reply
  if full or now < paused then
    local excess = {}
    for place, limit in ipairs(limits) do
      local wanted = amounts[place] + ahead[place]
      excess[place] = limit < 0 and 0 or sum[place] + math.min(wanted, limit) - limit
    end
    local wait = math.max(full and until_room(excess) or 0, paused - now)
    reply = answered() or {0, -1, wait, now}
  elseif redis.call('SET', KEYS[2], string.format('%.0f', current), 'PX', lifetime, 'NX') then
    add(current, amounts)
    reply = {1, current, 0, now}
  else
    reply = answered()
  end
  save()
  return reply
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
if operation == 'read' then
  return {1, unpack(sum)}
end
return {1}
