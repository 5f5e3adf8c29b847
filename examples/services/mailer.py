"""Sends a mail a second; reads its templates again at SIGHUP, and ends after the mail under way at SIGINT."""

import signal
import sys
import time

stopping = False


def read_templates(*_):
    print("read 3 templates", flush=True)


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGHUP, read_templates)
signal.signal(signal.SIGINT, stop)
read_templates()
while not stopping:
    time.sleep(1)
sys.exit(0)
