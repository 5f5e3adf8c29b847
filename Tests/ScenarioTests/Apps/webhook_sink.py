"""Takes webhooks: appends the JSON of each to the file `taken` of its working folder, or answers 503 while there is a
file `down`. Whether the signature is that of the secret `hush` is written beside it. Prints its port."""

import hashlib
import hmac
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_down = os.path.exists("down")
        with open("refused" if is_down else "taken", "ab") as file:
            file.write(self.record(body))
        self.send_response(503 if is_down else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def record(self, body):
        parts = dict(part.split("=", 1) for part in self.headers.get("X-Aloft-Signature", "t=,v1=").split(","))
        digest = hmac.new(b"hush", parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        record = json.loads(body)
        record["isSigned"] = hmac.compare_digest(digest, parts["v1"])
        return json.dumps(record).encode() + b"\n"

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
