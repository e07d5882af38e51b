"""Python's http.server over a folder: TLS or not, HTTP/1.1 or 1.0. Says its port, then serves."""

import gzip
import http.server
import ssl
import sys

tls, keep_alive = sys.argv[1] == "1", sys.argv[2] == "1"


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1" if keep_alive else "HTTP/1.0"

    def __init__(self, *args):
        super().__init__(*args, directory="site")

    def do_GET(self):
        if "gzip" not in self.headers.get("Accept-Encoding", ""):
            return super().do_GET()
        with open("site" + self.path, "rb") as file:
            body = gzip.compress(file.read())
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, *args):
        with open("access.log", "a") as log:
            log.write(self.requestline + "\n")

    def log_error(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("certificate.pem", "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
