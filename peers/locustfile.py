"""The Application Agent's tasks, chosen by weight, with random bodies. Users have no think time."""

import random

from locust import FastHttpUser, HttpUser, User, constant, task

PROMPTS = [
    "What is AI?",
    "Explain machine learning",
    "How does deep learning work?",
    "What are neural networks?",
    "Describe natural language processing",
]
RESPONSES = [
    "AI is artificial intelligence, the field of building machines that can perceive, learn and reason.",
    "Machine learning is a branch of AI in which models learn patterns from data. For example, a model can learn to sort mail.",
    "Deep learning works with many layers of neurons. However, it needs a lot of data, and therefore a lot of compute.",
    "Neural networks are layered functions, inspired by the brain, whose weights are learned from examples.",
    "Natural language processing lets computers read and write human language. It might use statistics, rules or neural networks.",
]
MODELS = ["model-v1", "model-v2", "model-v3"]
CONFIGS = ["v1.0.0", "v2.0.0", "v3.0.0", "v4.0.0", "v5.0.0"]
ANALYTICS = [
    "/analytics/summary",
    "/analytics/trends",
    "/analytics/comparison?models=model-v1,model-v2",
]


class Agent(User):
    """The tasks. Locust counts a response with a status of 400 or above as a failure, so they need no check."""

    abstract = True
    wait_time = constant(0)

    @task(10)
    def analyze(self):
        self.client.post(
            "/quality/analyze",
            json={
                "prompt": random.choice(PROMPTS),
                "response": random.choice(RESPONSES),
                "model_id": random.choice(MODELS),
            },
        )

    @task(5)
    def insights(self):
        self.client.get("/quality/insights")

    @task(3)
    def baseline(self):
        self.client.post(
            "/regression/baseline",
            json={
                "model_name": random.choice(MODELS),
                "config_hash": random.choice(CONFIGS),
                "sample_size": 100,
            },
        )

    @task(3)
    def detect(self):
        self.client.post(
            "/regression/detect",
            json={
                "model_name": random.choice(MODELS),
                "config_hash": "v1.0.0",
                "current_quality": random.uniform(70, 95),
            },
        )

    @task(3)
    def analytics(self):
        self.client.get(random.choice(ANALYTICS), name="/analytics/*")

    @task(2)
    def validation(self):
        self.client.post(
            "/validation/create",
            json={
                "name": f"validation-{random.randint(1, 1000)}",
                "model_name": random.choice(MODELS),
                "baseline_quality": random.uniform(80, 90),
                "new_quality": random.uniform(85, 95),
            },
        )

    @task(2)
    def workflow(self):
        self.client.post(
            "/workflow/validate",
            json={
                "model_name": random.choice(MODELS),
                "prompt": random.choice(PROMPTS),
                "response": random.choice(RESPONSES),
            },
        )

    @task(2)
    def config(self):
        self.client.get("/config/current")

    @task(1)
    def health(self):
        self.client.get("/health")

    @task(1)
    def stats(self):
        self.client.get("/admin/stats")


class FastAgent(Agent, FastHttpUser):
    """The tasks with Locust's client based on geventhttpclient."""


class PlainAgent(Agent, HttpUser):
    """The tasks with Locust's client based on requests."""
