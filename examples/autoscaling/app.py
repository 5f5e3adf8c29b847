"""An app with something to wait for, with nothing but Python's standard library.

    /work?ms=20     takes that many milliseconds (at most 10 seconds), as a database or another service would
    /metrics        how many requests are being worked on, as `work_waiting`
    /health/ready   200
"""

import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

WORKERS = threading.Semaphore(4)  # so many are worked on at once; others wait, which is what makes it slow
waiting = 0
changed = threading.Lock()


def work(milliseconds):
    global waiting
    with changed:
        waiting += 1
    try:
        with WORKERS:
            time.sleep(milliseconds / 1000)
    finally:
        with changed:
            waiting -= 1


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True
    timeout = 75

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/work":
            try:
                milliseconds = int(parse_qs(url.query).get("ms", ["20"])[0])
            except ValueError:
                return self.answer(400, "ms is a whole number of milliseconds\n")
            work(min(max(milliseconds, 0), 10_000))
            self.answer(200, f"done by the replica on port {os.environ['PORT']}\n")
        elif url.path == "/metrics":
            self.answer(200, f"# TYPE work_waiting gauge\nwork_waiting {waiting}\n# EOF\n")
        elif url.path == "/health/ready":
            self.answer(200, "ready\n")
        else:
            self.answer(404, "no such page\n")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Requests are in Aloft's access log."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


def main():
    server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)

    def stop(signal_number, frame):
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
