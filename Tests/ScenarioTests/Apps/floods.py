"""Prints as fast as it can, 400 MB of it, while it answers requests."""

import os
import threading

from web import Handler, serve


def flood():
    line = b"x" * 199 + b"\n"
    for _ in range(2_000):
        try:
            os.write(1, line * 1_000)
        except OSError:
            pass  # a full disk is no reason to end
    with open("flooded", "w") as done:
        done.write("done\n")


threading.Thread(target=flood, daemon=True).start()
serve(Handler)
