"""Reads the four Locust CSV files with pandas, by column, as scripts for Locust do."""

import json
import sys

import pandas

prefix = sys.argv[1]
stats = pandas.read_csv(f"{prefix}_stats.csv")
history = pandas.read_csv(f"{prefix}_stats_history.csv")
failures = pandas.read_csv(f"{prefix}_failures.csv")
exceptions = pandas.read_csv(f"{prefix}_exceptions.csv")

total = stats[stats["Name"] == "Aggregated"].iloc[0]
history["Timestamp"] = pandas.to_datetime(history["Timestamp"], unit="s")
failures["First Seen"] = pandas.to_datetime(failures["First Seen"])
assert history["Timestamp"].is_monotonic_increasing
assert list(exceptions.columns) == ["Count", "Message", "Traceback", "Nodes"]
assert (stats["Requests/s"] >= stats["Failures/s"]).all()
totals = {
    "names": list(stats["Name"]),
    "requests": int(total["Request Count"]),
    "failures": int(total["Failure Count"]),
    "p95": float(total["95%"]),
    "history_requests": int(history["Total Request Count"].iloc[-1]),
    "busiest": float(history.groupby("Timestamp")["Requests/s"].sum().max()),
    "occurrences": int(failures["Occurrences"].sum()),
}
print(json.dumps(totals))
