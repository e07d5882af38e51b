"""An ASGI application over a folder, served by uvicorn. Says its port, then serves."""

import gzip
import os
import socket
import sys

import uvicorn

tls, keep_alive = sys.argv[1] == "1", sys.argv[2] == "1"


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    with open("access.log", "a") as log:
        log.write(scope["path"] + "\n")
    headers = []
    path = "site" + scope["path"]
    status, body = 404, b""
    if os.path.isfile(path):
        status = 200
        with open(path, "rb") as file:
            body = file.read()
    if b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b""):
        body = gzip.compress(body)
        headers.append((b"content-encoding", b"gzip"))
    if scope["path"] != "/empty":
        # Without a length uvicorn sends chunks.
        headers.append((b"content-length", str(len(body)).encode()))
    if not keep_alive:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if scope["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.body", "body": body})


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(512)
print(listener.getsockname()[1], flush=True)
certificate = {"ssl_certfile": "certificate.pem", "ssl_keyfile": "key.pem"} if tls else {}
config = uvicorn.Config(app, log_level="error", lifespan="off", **certificate)
uvicorn.Server(config).run(sockets=[listener])
