"""Receiver for OTLP over HTTP, based on OpenTelemetry's own messages. Prints its port, then a line of JSON for each set of
metrics; an unreadable request gets a 400."""

import gzip
import http.server
import json

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)


def unknown_fields(message):
    count = len(UnknownFieldSet(message))
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            repeated = hasattr(value, "__len__") and not hasattr(value, "ListFields")
            count += sum(map(unknown_fields, value if repeated else [value]))
    return count


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        try:
            if self.headers["content-type"] != "application/x-protobuf":
                raise DecodeError(self.headers["content-type"])
            request = ExportMetricsServiceRequest.FromString(body)
        except DecodeError as error:
            self.respond(400, str(error).encode())
            return
        for resource in request.resource_metrics:
            self.print_totals(resource, unknown_fields(request))
        self.respond(200, ExportMetricsServiceResponse().SerializeToString())

    def print_totals(self, resource, unknown):
        metrics = {metric.name: metric for metric in resource.scope_metrics[0].metrics}
        attributes = {item.key: item.value.string_value for item in resource.resource.attributes}

        def total(name):
            return sum(point.as_int for point in metrics[name].sum.data_points)

        def each(name):
            points = metrics[name].sum.data_points
            keys = {item.key for point in points for item in point.attributes}
            assert keys >= {"brunt.name", "http.request.method"}, keys
            counts = {}
            for point in points:
                of = {item.key: item.value.string_value for item in point.attributes}["brunt.name"]
                counts[of] = counts.get(of, 0) + point.as_int
            return counts

        def histogram(name):
            points = metrics[name].histogram.data_points
            assert all(sum(point.bucket_counts) == point.count for point in points)
            return sum(point.count for point in points)

        totals = {
            "path": self.path,
            "unknown_fields": unknown,
            "service": attributes["service.name"],
            "requests": total("brunt.requests"),
            "failures": total("brunt.failures"),
            "lost": total("brunt.intervals.lost"),
            "wire_requests": total("brunt.wire_requests"),
            "bytes_sent": total("brunt.bytes_sent"),
            "bytes_received": total("brunt.bytes_received"),
            "each": each("brunt.requests"),
            "answered_well": histogram("brunt.response_time"),
        }
        print(json.dumps(totals), flush=True)

    def respond(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
