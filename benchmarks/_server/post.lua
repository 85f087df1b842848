-- Posts chat completions. STREAM=1 asks for streams; each prompt is new unless SAME=1.
local stream = os.getenv("STREAM") == "1" and ',"stream":true' or ""
local step = os.getenv("SAME") == "1" and 0 or 1
local number = 10000

wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer any"

function request()
  number = number + step
  local body = '{"model":"gpt-4o-mini","max_tokens":200' .. stream .. ',"messages":['
    .. '{"role":"system","content":"You answer questions on deploys in one sentence."},'
    .. '{"role":"user","content":"Why did deploy number ' .. number .. ' of the shop fail?"}]}'
  return wrk.format(nil, "/v1/chat/completions", nil, body)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "RESULT %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
