"""Answers that take their time.

    /events          server-sent events; the next one leaves only after GET /acknowledge
    /acknowledge     lets the next event go
    /endless?mb=N    N MiB as fast as they can be written
"""

import threading

from web import Handler, serve

acknowledged = threading.Semaphore(0)
EVENTS = 20
PIECE = bytes(range(256)) * 256  # 64 KiB


class Streams(Handler):
    def do_GET(self):
        if self.path == "/events":
            self.events()
        elif self.path == "/acknowledge":
            acknowledged.release()
            self.answer(200, b"ok\n")
        elif self.path.startswith("/endless?mb="):
            self.endless(int(self.path.split("=")[1]))
        else:
            self.answer(200, b"ok\n")

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(EVENTS):
            event = b"data: %d\n\n" % number
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
            if not acknowledged.acquire(timeout=20):
                return
        self.wfile.write(b"0\r\n\r\n")

    def endless(self, mebibytes):
        self.send_response(200)
        self.send_header("Content-Length", str(mebibytes << 20))
        self.end_headers()
        for _ in range(mebibytes * 16):
            self.wfile.write(PIECE)


serve(Streams)
