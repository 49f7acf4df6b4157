-- Stores one part of a batch: all of it or, where positions do not fit, nothing.
-- Redis runs a script alone, and writes its effects to disk and replicas as one transaction.
--
-- KEYS[1] is the hash `sink`; the others are those that ARGV[1] refers to by number.
-- ARGV[1] is the JSON that encoding.py makes. Sums travel as text: numbers of Lua are exact up to
-- 2^53 only, and HINCRBY counts in 64 bits.
-- Returns {"stored", counts..., positions} or {"lost", partition, what the hash has}.

local part = cjson.decode(ARGV[1])
local sink = KEYS[1]
local keep_ms = part.keep_ms
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

for number, wanted in ipairs(part.types) do
  local found = redis.call('TYPE', KEYS[number]).ok
  if found ~= 'none' and found ~= wanted then
    return redis.error_reply('WRONGTYPE ' .. KEYS[number] .. ' is no ' .. wanted)
  end
end

-- 1. Positions: what this process believes to be stored is; then whatever lies before is skipped.
local from = {}
for number, place in ipairs(part.places) do
  local stored = redis.call('HGET', sink, place.field) or ''
  local log, offset = string.match(stored, '^([^@]*)@(%d+)$')
  offset = tonumber(offset)
  if stored == place.expected then
    from[number] = place.from_offset
  elseif offset and offset > place.from_offset
      and (log == place.log or log == '' or place.log == '') then
    from[number] = offset -- another process has stored what follows
  else
    return {'lost', place.field, stored}
  end
end

-- 2. The clock of the log, and which hours it has left behind.
local clock_ms = tonumber(redis.call('HGET', sink, 'clock_ms') or 0)
if part.clock_ms > clock_ms then
  clock_ms = part.clock_ms
end

local HOUR_MS = 3600000
local expires, is_over = {}, {}
for number, hour in ipairs(part.hours) do
  local left_ms = hour.start_ms + HOUR_MS + keep_ms - clock_ms
  is_over[number] = left_ms <= 0
  local known = redis.call('PEXPIRETIME', KEYS[hour.seen])
  -- All keys of an hour expire together with the ids that were counted in them.
  expires[number] = known > 0 and known or now_ms + math.min(left_ms, 2 * keep_ms)
end

local function add(key, field, by)
  local sum = redis.pcall('HINCRBY', key, field, by)
  if type(sum) == 'table' and sum.err then
    if not string.find(sum.err, 'overflow', 1, true) then
      error(sum.err)
    end
    redis.call('HSET', key, field, '9223372036854775807') -- as much as 64 bits hold
  end
end

-- 3. Liquidations: each id once.
local stored, repeated, too_old = 0, 0, 0
local expire_at, newest = {}, {}
local function count(key, field, micro_usd, expires_at_ms)
  add(key, field .. ':micro_usd', micro_usd)
  add(key, field .. ':count', '1')
  expire_at[key] = expires_at_ms
end
local function list(key, timestamp_ms, shown)
  redis.call('ZADD', key, timestamp_ms, shown)
  newest[key] = true
end
for _, event in ipairs(part.events) do
  local place, offset, hour, id, micro_usd, timestamp_ms, minute, asset_side, levels, level_side,
    last, shown = unpack(event)
  local seen = KEYS[part.hours[hour].seen]
  if offset < from[place] then
    repeated = repeated + 1
  elseif is_over[hour] then
    too_old = too_old + 1
  elseif redis.call('SADD', seen, id) == 0 then
    repeated = repeated + 1
  else
    stored = stored + 1
    expire_at[seen] = expires[hour]
    count(KEYS[minute], asset_side, micro_usd, expires[hour])
    count(KEYS[levels], level_side, micro_usd, expires[hour])
    list(KEYS[part.last_key], timestamp_ms, shown)
    list(KEYS[last], timestamp_ms, shown)
  end
end
for key, at_ms in pairs(expire_at) do
  redis.call('PEXPIREAT', key, at_ms)
end
for key in pairs(newest) do
  redis.call('ZREMRANGEBYRANK', key, 0, -(part.last_count + 1))
  redis.call('PEXPIRE', key, keep_ms)
end

-- 4. Cascades: a record counts if it is newer than what is known of its cascade.
local alerts = 0
local function tell(alert)
  alerts = alerts + 1
  redis.call('XADD', KEYS[part.alerts_key], 'MAXLEN', part.alerts_count, '*', unpack(alert.fields))
end
for _, alert in ipairs(part.alerts) do
  local key = KEYS[alert.key]
  if alert.offset < from[alert.place] then
    repeated = repeated + 1
  elseif alert.timestamp_ms + keep_ms <= clock_ms then
    too_old = too_old + 1
  else
    local known = redis.call('HMGET', key, 'sequence', 'parent_id')
    if alert.parent_id ~= '' then
      if known[2] then
        repeated = repeated + 1
      else
        redis.call('HSET', key, 'parent_id', alert.parent_id)
        tell(alert)
      end
    elseif known[1] and tonumber(known[1]) >= alert.sequence then
      repeated = repeated + 1
    else
      redis.call('HSET', key, 'sequence', alert.sequence, 'type', alert.type, 'record', alert.record)
      if alert.is_end then
        redis.call('ZREM', KEYS[part.open_key], alert.cascade)
      else
        redis.call('ZADD', KEYS[part.open_key], alert.timestamp_ms, alert.cascade)
      end
      tell(alert)
    end
    redis.call('PEXPIRE', key, 2 * keep_ms)
  end
end
-- One whose end was never published: no cascade lasts for longer than an hour.
redis.call('ZREMRANGEBYSCORE', KEYS[part.open_key], '-inf', clock_ms - 2 * HOUR_MS)
redis.call('PEXPIRE', KEYS[part.open_key], keep_ms)
redis.call('PEXPIRE', KEYS[part.alerts_key], keep_ms)

-- 5. The newest word of each connection, and of detection.
for _, status in ipairs(part.feeds) do
  local key = KEYS[status.key]
  local known = redis.call('HGET', key, status.field)
  if status.offset >= from[status.place]
      and not (known and cjson.decode(known).timestamp_ms > status.timestamp_ms) then
    redis.call('HSET', key, status.field, status.record)
    stored = stored + 1
    if redis.call('HLEN', key) > part.connections_count then
      local all, oldest, oldest_ms = redis.call('HGETALL', key), nil, math.huge
      for at = 1, #all, 2 do
        local at_ms = cjson.decode(all[at + 1]).timestamp_ms
        if at_ms < oldest_ms then
          oldest, oldest_ms = all[at], at_ms
        end
      end
      redis.call('HDEL', key, oldest)
    end
    redis.call('PEXPIRE', key, part.venues_keep_ms)
  end
end
if part.detection then
  local key = KEYS[part.detection.key]
  local known = redis.call('GET', key)
  if not (known and cjson.decode(known).timestamp_ms > part.detection.timestamp_ms) then
    redis.call('SET', key, part.detection.record, 'PX', keep_ms)
  end
end

-- 6. Positions, last.
local positions = {}
for number, place in ipairs(part.places) do
  if place.end_offset > from[number] then
    redis.call('HSET', sink, place.field, place.log .. '@' .. string.format('%.0f', place.end_offset))
  end
  positions[number] = redis.call('HGET', sink, place.field) or ''
end
redis.call('HSET', sink, 'layout', part.layout, 'clock_ms', string.format('%.0f', clock_ms),
  'stored_at_ms', string.format('%.0f', now_ms))
redis.call('PEXPIRE', sink, keep_ms)
return {'stored', stored, alerts, repeated, too_old, positions}
