"""Ignores SIGTERM, and says so."""

import os
import signal

from web import Handler, Server

server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
signal.signal(signal.SIGTERM, lambda *arguments: print("not now", flush=True))
print("listening", flush=True)
server.serve_forever()
