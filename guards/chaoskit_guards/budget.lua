-- The window of a budget, shared by everybody who names the same key.
--
-- KEYS[1]  hash: the head (shape, current bucket, pause, sum and what the current bucket holds) and
--          one field for each older bucket
-- KEYS[2]  the lease of a reservation: exists until it is settled or has left the window, and says
--          in which bucket it is booked, or that it was withdrawn
-- ARGV     operation, and packed numbers: width of a bucket in microseconds, number of buckets, and
--          what the operation needs
--
-- The time is the server's, the cost does not depend on the amounts, and a reply is a line of whole
-- numbers: 1 done, 0 no room, -1 the key holds a window of another shape.

local WITHDRAWN = 'withdrawn'

local key, operation, told = KEYS[1], ARGV[1], ARGV[2]
local width, count, first = struct.unpack('<dd', told)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- Amounts are five doubles: exact up to 2^53, and cheap to read.
local function vector(packed, from)
  if not packed then
    return {0, 0, 0, 0, 0}
  end
  local requests, tokens, input, output, money = struct.unpack('<ddddd', packed, from)
  return {requests, tokens, input, output, money}
end

-- The amounts that an operation was told, as the first, second or third ones.
local function told_vector(number)
  return vector(told, first + (number - 1) * 40)
end

local function pack(numbers)
  return struct.pack('<ddddd', unpack(numbers))
end

local function slot(bucket)
  return string.format('%.0f', bucket % count)
end

local current = math.floor(now / width)
local head = redis.call('HGET', key, 'head')
local seen, paused, sum, newest = nil, 0, nil, nil
if head then
  local kept_width, kept_count
  kept_width, kept_count, seen, paused = struct.unpack('<dddd', head)
  if kept_width ~= width or kept_count ~= count then
    return '-1'
  end
  sum, newest = vector(head, 33), vector(head, 73)
else
  sum, newest = vector(), vector()
end
local begun = seen ~= current -- a bucket, and with it the life of the key

if seen and begun then
  if seen - current >= count then
    -- The clock was set back by more than a window: all that is booked counts from now.
    redis.call('DEL', key)
    newest, paused = vector(pack(sum)), 0
  elseif seen > current then
    current = seen -- set back by less: nothing leaves before its time
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
    redis.call('HSET', key, slot(seen), pack(newest))
    newest = vector()
  end
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
  local shape = struct.pack('<dddd', width, count, current, paused)
  redis.call('HSET', key, 'head', shape .. pack(sum) .. pack(newest))
  if begun then
    redis.call('PEXPIRE', key, math.max(lifetime, math.ceil((paused - now) / 1000)))
  end
end

-- Microseconds until no sum is too high by more than `excess`, if nothing else is booked.
local function until_room(excess)
  local slots = {}
  for bucket = current - count + 1, current - 1 do
    slots[#slots + 1] = slot(bucket)
  end
  local buckets = redis.call('HMGET', key, unpack(slots))
  buckets[#buckets + 1] = pack(newest)
  for number, kept in ipairs(buckets) do
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

local function granted(bucket)
  return string.format('1 %.0f 0 %.0f', bucket, now)
end

local function refused(wait)
  return string.format('0 -1 %.0f %.0f', wait, now)
end

-- What was answered before, where the same is asked again because the reply was lost.
local function answered()
  local booked = redis.call('GET', KEYS[2])
  if booked == WITHDRAWN then
    return refused(0)
  end
  return booked and granted(tonumber(booked))
end

if operation == 'reserve' then
  local amounts, ahead, limits = told_vector(1), told_vector(2), told_vector(3)
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
    reply = answered() or refused(wait)
  elseif redis.call('SET', KEYS[2], string.format('%.0f', current), 'PX', lifetime, 'NX') then
    add(current, amounts)
    reply = granted(current)
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
    for place, amount in ipairs(told_vector(1)) do
      back[place] = -amount
    end
    add(tonumber(booked), back)
  end
elseif operation == 'settle' then
  local bucket = struct.unpack('<d', told, first + 80)
  if bucket <= current - count then
    add(current, told_vector(2)) -- it has left the window, so that all of the use counts now
  elseif redis.call('DEL', KEYS[2]) == 1 then
    -- Room comes back where it was taken; an overrun counts from now.
    local back, more = {}, {}
    for place, change in ipairs(told_vector(1)) do
      back[place], more[place] = math.min(change, 0), math.max(change, 0)
    end
    add(bucket, back)
    add(current, more)
  end
elseif operation == 'book' then
  add(current, told_vector(1))
elseif operation == 'learn' then
  -- A provider's count below what is free here: somebody else has spent the difference.
  local foreign, remaining = {}, told_vector(2)
  for place, limit in ipairs(told_vector(1)) do
    local known = limit >= 0 and remaining[place] >= 0
    local free = math.max(0, limit - sum[place])
    foreign[place] = known and math.max(0, free - remaining[place]) or 0
  end
  add(current, foreign)
  paused = math.max(paused, now + struct.unpack('<d', told, first + 80))
  begun = true -- the key lives as long as the pause
end
save()
if operation == 'read' then
  return string.format('1 %.0f %.0f %.0f %.0f %.0f', unpack(sum))
end
return '1'
