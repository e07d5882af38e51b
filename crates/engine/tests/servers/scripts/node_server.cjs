// Node's http and https servers over a folder. Says its port, then serves.

const fs = require("fs");
const zlib = require("zlib");

const [tls, keepAlive] = process.argv.slice(2).map((flag) => flag === "1");

function respond(request, response) {
  fs.appendFileSync("access.log", request.url + "\n");
  if (!keepAlive) response.setHeader("Connection", "close");
  request.resume();
  request.on("end", () => {
    let body;
    try {
      body = fs.readFileSync("site" + request.url);
    } catch {
      response.statusCode = 404;
      return response.end();
    }
    if ((request.headers["accept-encoding"] || "").includes("gzip")) {
      response.setHeader("Content-Encoding", "gzip");
      body = zlib.gzipSync(body);
    }
    // Without a length Node sends chunks.
    if (request.url !== "/small") response.setHeader("Content-Length", body.length);
    response.end(request.method === "HEAD" ? undefined : body);
  });
}

const options = tls && {
  cert: fs.readFileSync("certificate.pem"),
  key: fs.readFileSync("key.pem"),
};
const server = tls
  ? require("https").createServer(options, respond)
  : require("http").createServer(respond);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
