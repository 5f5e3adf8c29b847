"""The shop as a process of its own, on a free port, with the variables of the release that is looked at."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextlib.contextmanager
def running(command: list[str], port: int, **variables: str) -> Iterator[int]:
    """A process that listens on `port`; it is ended at the end, however that comes."""
    process = subprocess.Popen(command, cwd=APP, env={**os.environ, **variables}, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.02)
        else:
            raise RuntimeError(f"{command[-1]} did not listen on {port}")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def running_shop(**variables: str) -> Iterator[int]:
    port = free_port()
    with running([sys.executable, "shop.py"], port, PORT=str(port), **variables):
        yield port
