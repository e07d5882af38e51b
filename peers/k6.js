// The Application Agent's tasks, chosen by weight, with random bodies; or, with TASKS=plain, GET requests to one path.
// Users have no think time.
import http from "k6/http";
import { check } from "k6";

const HOST = __ENV.HOST;
const PROMPTS = [
  "What is AI?",
  "Explain machine learning",
  "How does deep learning work?",
  "What are neural networks?",
  "Describe natural language processing",
];
const RESPONSES = [
  "AI is artificial intelligence, the field of building machines that can perceive, learn and reason.",
  "Machine learning is a branch of AI in which models learn patterns from data. For example, a model can learn to sort mail.",
  "Deep learning works with many layers of neurons. However, it needs a lot of data, and therefore a lot of compute.",
  "Neural networks are layered functions, inspired by the brain, whose weights are learned from examples.",
  "Natural language processing lets computers read and write human language. It might use statistics, rules or neural networks.",
];
const MODELS = ["model-v1", "model-v2", "model-v3"];
const CONFIGS = ["v1.0.0", "v2.0.0", "v3.0.0", "v4.0.0", "v5.0.0"];
const ANALYTICS = ["/analytics/summary", "/analytics/trends", "/analytics/comparison?models=model-v1,model-v2"];

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const uniform = (low, high) => low + Math.random() * (high - low);

// Checks the status, like the other load generators.
const checkStatus = (response) => check(response, { "status is 2xx": (response) => response.status >= 200 && response.status < 300 });
const get = (path, name) => checkStatus(http.get(HOST + path, name ? { tags: { name } } : undefined));
const post = (path, body) => checkStatus(http.post(HOST + path, JSON.stringify(body), { headers: { "Content-Type": "application/json" } }));

const TASKS = [
  [10, () => post("/quality/analyze", { prompt: pick(PROMPTS), response: pick(RESPONSES), model_id: pick(MODELS) })],
  [5, () => get("/quality/insights")],
  [3, () => post("/regression/baseline", { model_name: pick(MODELS), config_hash: pick(CONFIGS), sample_size: 100 })],
  [3, () => post("/regression/detect", { model_name: pick(MODELS), config_hash: "v1.0.0", current_quality: uniform(70, 95) })],
  [3, () => get(pick(ANALYTICS), "/analytics/*")],
  [2, () => post("/validation/create", {
    name: `validation-${1 + Math.floor(Math.random() * 1000)}`,
    model_name: pick(MODELS),
    baseline_quality: uniform(80, 90),
    new_quality: uniform(85, 95),
  })],
  [2, () => post("/workflow/validate", { model_name: pick(MODELS), prompt: pick(PROMPTS), response: pick(RESPONSES) })],
  [2, () => get("/config/current")],
  [1, () => get("/health")],
  [1, () => get("/admin/stats")],
];
const TOTAL = TASKS.reduce((sum, [weight]) => sum + weight, 0);

function agent() {
  let remaining = Math.random() * TOTAL;
  for (const [weight, task] of TASKS) {
    remaining -= weight;
    if (remaining < 0) return task();
  }
}

const plain = () => get("/");

export default __ENV.TASKS === "plain" ? plain : agent;
