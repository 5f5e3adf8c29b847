"""Sends a mail a second; reads its templates again at SIGHUP, and ends after the mail under way at SIGINT."""

import signal
import sys
import time

stopping = False


def read_templates(when):
    print(f"read 3 templates {when}", flush=True)


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGHUP, lambda *_: read_templates("again"))
signal.signal(signal.SIGINT, stop)
read_templates("at the start")
while not stopping:
    time.sleep(1)
sys.exit(0)
