-- The generic cell rate algorithm over several keys at once: see gcra.go, which is
-- the same. Of each key the time is kept at which it is empty again, in
-- microseconds; it is forgotten then.
-- ARGV, for each key: the time after which one is due again, the time that a full
-- key takes to be empty, how far ahead that can be at most, and what to do (0 take,
-- 1 look, 2 add).
-- Answers the place of the key that is refused (0: none) and how long it will be.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full, ahead, refused, longest = {}, {}, 0, 0
for i, key in ipairs(KEYS) do
  local every, window, most, mode = tonumber(ARGV[4*i-3]), tonumber(ARGV[4*i-2]), tonumber(ARGV[4*i-1]), ARGV[4*i]
  local known = tonumber(redis.call('GET', key) or '0')
  full[i] = math.min(math.max(known, now), now + most)
  ahead[i] = known > full[i]
  local wait = full[i] + every - window - now
  if mode ~= '2' and wait > longest then
    refused, longest = i, wait
  end
end
for i, key in ipairs(KEYS) do
  local every, most, mode = tonumber(ARGV[4*i-3]), tonumber(ARGV[4*i-1]), ARGV[4*i]
  local to = nil
  if mode == '2' then
    to = math.min(full[i] + every, now + most)
  elseif mode == '0' and refused == 0 then
    to = full[i] + every
  elseif ahead[i] then -- kept, or the wait would begin anew with every request
    to = full[i]
  end
  if to then
    redis.call('SET', key, string.format('%.0f', to), 'PX', string.format('%.0f', math.ceil((to - now) / 1000) + 1))
  end
end
return {refused, longest}
