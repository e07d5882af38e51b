"""Parses metrics with the official Prometheus client for Python."""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = {family.name: family for family in text_string_to_metric_families(sys.stdin.read())}


def total(name, sample, **labels):
    samples = families[name].samples
    return sum(
        one.value
        for one in samples
        if one.name == sample and all(one.labels[key] == value for key, value in labels.items())
    )


totals = {
    "types": {name: family.type for name, family in families.items()},
    "requests": total("brunt_requests", "brunt_requests_total"),
    "ok": total("brunt_requests", "brunt_requests_total", brunt_outcome="ok"),
    "answered_in_buckets": total("brunt_response_time_seconds", "brunt_response_time_seconds_bucket", le="60"),
}
print(json.dumps(totals))
