"""Runs, listens, and says 503 to every question."""

from web import Handler, serve


class Warming(Handler):
    def do_GET(self):
        self.answer(503, b"warming up: 3 of 10 shards")


print("waiting for shards", flush=True)
serve(Warming)
