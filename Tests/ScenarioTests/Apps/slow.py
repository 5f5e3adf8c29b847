"""`/slow?ms=N` answers after N milliseconds; everything else at once. Requests under way are finished on SIGTERM."""

import os
import signal
import sys
import threading
import time

from web import Handler, Server


class Slow(Handler):
    def do_GET(self):
        if self.path.startswith("/slow?ms="):
            time.sleep(int(self.path.split("=")[1]) / 1000)
        self.answer(200, b"ok\n")


server = Server(("127.0.0.1", int(os.environ["PORT"])), Slow)
signal.signal(signal.SIGTERM, lambda *arguments: threading.Thread(target=server.shutdown).start())
print("listening", flush=True)
server.serve_forever(poll_interval=0.05)
sys.exit(0)
