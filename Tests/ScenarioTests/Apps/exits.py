"""Writes down when it started and ends at once."""

import sys
import time

with open("starts", "a") as starts:
    starts.write(f"{time.monotonic()}\n")
print("reading settings", flush=True)
print("cannot open the database: connection refused", file=sys.stderr, flush=True)
sys.exit(3)
