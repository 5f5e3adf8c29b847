"""Prints numbered lines without an end, a few hundred a second, while it answers requests."""

import threading
import time

from web import Handler, serve


def count():
    number = 0
    while True:
        print(f"line {number}", flush=True)
        number += 1
        time.sleep(0.004)


threading.Thread(target=count, daemon=True).start()
serve(Handler)
