"""A small web app with nothing but Python's standard library, so that Aloft has something real to run.

It listens on 127.0.0.1:$PORT, keeps connections alive, and ends cleanly on SIGTERM.

    /               a page that says which replica answered
    /health/ready   200 while the app takes requests, 503 once it was asked to stop
    /health/live    200 as long as the process can answer at all
    /slow?ms=500    answers after that many milliseconds (at most 30 seconds)
    /echo           answers with what was sent: method, path, header fields, length of the body
"""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MAX_ECHO_BODY = 10 * 1024 * 1024
STARTED = time.monotonic()
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Hello from Aloft</title>
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 34rem }}</style></head>
<body><h1>Hello from Aloft</h1>
<p>Answered by replica <strong>{replica}</strong> (process {pid}), up for {uptime:.0f} s.</p>
<p>Reload the page and another replica answers. Kill one and nobody notices: <code>kill -9 {pid}</code></p>
</body></html>
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024  # head and body leave in one write
    disable_nagle_algorithm = True
    timeout = 75

    def handle_one_request(self):
        self.counted = False
        try:
            super().handle_one_request()
        finally:
            if self.counted:
                self.server.request_ended()

    def parse_request(self):
        parsed = super().parse_request()
        if parsed:
            self.counted = True
            self.server.request_began()
        return parsed

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/":
            page = PAGE.format(replica=replica_name(), pid=os.getpid(), uptime=time.monotonic() - STARTED)
            self.answer(200, page.encode(), "text/html; charset=utf-8")
        elif url.path == "/health/ready":
            stopping = self.server.stopping.is_set()
            self.answer(503 if stopping else 200, b"stopping\n" if stopping else b"ready\n")
        elif url.path == "/health/live":
            self.answer(200, b"live\n")
        elif url.path == "/slow":
            self.slow(parse_qs(url.query))
        elif url.path == "/echo":
            self.echo()
        else:
            self.answer(404, b"no such page\n")

    do_HEAD = do_GET

    def do_POST(self):
        if urlsplit(self.path).path == "/echo":
            self.echo()
        else:
            self.close_connection = True  # the body was not read
            self.answer(404, b"no such page\n")

    do_PUT = do_POST

    def slow(self, query):
        try:
            milliseconds = int(query.get("ms", ["500"])[0])
        except ValueError:
            return self.answer(400, b"ms is a whole number of milliseconds\n")
        time.sleep(min(max(milliseconds, 0), 30_000) / 1000)
        self.answer(200, f"{replica_name()} waited {milliseconds} ms\n".encode())

    def echo(self):
        body = self.read_body()
        if body is None:
            self.close_connection = True
            return self.answer(413, b"at most 10 MiB\n")
        fields = [[name, value] for name, value in self.headers.items()]
        answer = {"replica": replica_name(), "method": self.command, "path": self.path, "headers": fields,
                  "bodyLength": len(body), "body": body[:4096].decode("utf-8", "replace")}
        self.answer(200, json.dumps(answer, indent=2).encode() + b"\n", "application/json")

    def read_body(self):
        """The request's body, or None where it is longer than this app takes."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.read_chunks()
        length = int(self.headers.get("Content-Length", "0"))
        return self.rfile.read(length) if length <= MAX_ECHO_BODY else None

    def read_chunks(self):
        body = bytearray()
        while size := int(self.rfile.readline(1024).split(b";")[0], 16):
            if len(body) + size > MAX_ECHO_BODY:
                return None
            body += self.rfile.read(size)
            self.rfile.readline(3)
        while self.rfile.readline(8192).strip():
            pass
        return bytes(body)

    def answer(self, status, body, content_type="text/plain; charset=utf-8"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if self.server.stopping.is_set():
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        """Requests are in Aloft's access log; this app's own output is only what matters to it."""


class Server(ThreadingHTTPServer):
    daemon_threads = True  # idle kept-alive connections do not hold up the end; requests under way do
    request_queue_size = 1024

    def __init__(self, address):
        super().__init__(address, Handler)
        self.stopping = threading.Event()
        self.under_way = 0
        self.changed = threading.Condition()

    def request_began(self):
        with self.changed:
            self.under_way += 1

    def request_ended(self):
        with self.changed:
            self.under_way -= 1
            self.changed.notify_all()

    def wait_for_requests(self, seconds):
        with self.changed:
            return self.changed.wait_for(lambda: self.under_way == 0, seconds)


def replica_name():
    """The port tells replicas apart, whoever started them."""
    return f"web on port {os.environ['PORT']}"


def main():
    server = Server(("127.0.0.1", int(os.environ["PORT"])))

    def stop(signal_number, frame):
        print("asked to stop", flush=True)
        server.stopping.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"listening on 127.0.0.1:{os.environ['PORT']}", flush=True)
    server.serve_forever(poll_interval=0.1)
    finished = server.wait_for_requests(seconds=30)
    print("stopped" if finished else "stopped with requests under way", flush=True)


if __name__ == "__main__":
    sys.exit(main())
