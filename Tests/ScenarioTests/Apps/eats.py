"""Takes memory, 4 MiB at a time, and writes to every page of it."""

import time

held = []
print("taking memory", flush=True)
while len(held) < 200:
    held.append(bytearray(b"x" * (4 << 20)))
    time.sleep(0.005)
print("nobody stopped me", flush=True)
time.sleep(3600)
