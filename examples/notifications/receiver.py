"""Takes Aloft's webhooks, and prints what was signed with $HOOK_SECRET; what was not is refused."""

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = os.environ["HOOK_SECRET"].encode()
seen = set()


def is_from_aloft(signature, body):
    parts = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
    digest = hmac.new(SECRET, parts.get("t", "").encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest, parts.get("v1", "")) and abs(time.time() - int(parts["t"])) < 300


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not is_from_aloft(self.headers.get("X-Aloft-Signature", ""), body):
            return self.send_error(403)
        message = json.loads(body)
        if message["id"] not in seen:  # A try that was answered too late comes again with the same id.
            seen.add(message["id"])
            for notice in message["notices"]:
                print(f"{notice['route']}: {notice['title']}", flush=True)
                print(f"  {notice['text']}", flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9100").split(":")
HTTPServer((host, int(port)), Handler).serve_forever()
