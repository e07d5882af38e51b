-- The Application Agent's tasks, chosen by weight, with random bodies. Requests are built by concatenation, which is
-- faster than wrk.format.

local prompts = {
  "What is AI?",
  "Explain machine learning",
  "How does deep learning work?",
  "What are neural networks?",
  "Describe natural language processing",
}
local responses = {
  "AI is artificial intelligence, the field of building machines that can perceive, learn and reason.",
  "Machine learning is a branch of AI in which models learn patterns from data. For example, a model can learn to sort mail.",
  "Deep learning works with many layers of neurons. However, it needs a lot of data, and therefore a lot of compute.",
  "Neural networks are layered functions, inspired by the brain, whose weights are learned from examples.",
  "Natural language processing lets computers read and write human language. It might use statistics, rules or neural networks.",
}
local models = { "model-v1", "model-v2", "model-v3" }
local configs = { "v1.0.0", "v2.0.0", "v3.0.0", "v4.0.0", "v5.0.0" }
local analytics = {
  "/analytics/summary",
  "/analytics/trends",
  "/analytics/comparison?models=model-v1,model-v2",
}

local random = math.random

local function pick(list)
  return list[random(#list)]
end

local function uniform(low, high)
  return low + (high - low) * random()
end

local host

local function get(path)
  return "GET " .. path .. " HTTP/1.1\r\nHost: " .. host .. "\r\n\r\n"
end

local function post(path, body)
  return "POST " .. path .. " HTTP/1.1\r\nHost: " .. host
    .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

local tasks = {
  { 10, function()
    return post("/quality/analyze", '{"prompt":"' .. pick(prompts) .. '","response":"' .. pick(responses)
      .. '","model_id":"' .. pick(models) .. '"}')
  end },
  { 5, function() return get("/quality/insights") end },
  { 3, function()
    return post("/regression/baseline", '{"model_name":"' .. pick(models) .. '","config_hash":"' .. pick(configs)
      .. '","sample_size":100}')
  end },
  { 3, function()
    return post("/regression/detect", '{"model_name":"' .. pick(models)
      .. '","config_hash":"v1.0.0","current_quality":' .. uniform(70, 95) .. '}')
  end },
  { 3, function() return get(pick(analytics)) end },
  { 2, function()
    return post("/validation/create", '{"name":"validation-' .. random(1000) .. '","model_name":"' .. pick(models)
      .. '","baseline_quality":' .. uniform(80, 90) .. ',"new_quality":' .. uniform(85, 95) .. '}')
  end },
  { 2, function()
    return post("/workflow/validate", '{"model_name":"' .. pick(models) .. '","prompt":"' .. pick(prompts)
      .. '","response":"' .. pick(responses) .. '"}')
  end },
  { 2, function() return get("/config/current") end },
  { 1, function() return get("/health") end },
  { 1, function() return get("/admin/stats") end },
}

-- One entry per unit of weight, so that a task is chosen with one table lookup.
local weighted = {}
for _, task in ipairs(tasks) do
  for _ = 1, task[1] do
    weighted[#weighted + 1] = task[2]
  end
end

function init()
  host = wrk.headers["Host"] or (wrk.host .. ":" .. wrk.port)
  math.randomseed(1)
end

function request()
  return weighted[random(#weighted)]()
end
