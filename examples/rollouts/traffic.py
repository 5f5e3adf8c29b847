"""Visitors for the example: so many GETs a second for a while, from this machine only.

    python3 traffic.py http://127.0.0.1:8080/shop/ --rate 100 --seconds 120 &

Ends by itself, and says how it went. Failed are answers of 500 and more, and none at all.
"""

import argparse
import http.client
import threading
import time
from urllib.parse import urlsplit

CLIENTS = 8


class Count:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests = 0
        self.failed = 0

    def add(self, is_good: bool) -> None:
        with self.lock:
            self.requests += 1
            self.failed += not is_good


def visit(url: str, pause: float, end: float, count: Count) -> None:
    """One visitor, on one connection as long as it holds."""
    where = urlsplit(url)
    path = (where.path or "/") + (f"?{where.query}" if where.query else "")
    connection = http.client.HTTPConnection(where.hostname, where.port or 80, timeout=10)
    due = time.monotonic()
    while (now := time.monotonic()) < end:
        if now < due:
            time.sleep(min(due - now, end - now))
            continue
        due = max(due + pause, now - 1)  # what was missed for longer than a second is left out
        try:
            connection.request("GET", path, headers={"Host": where.netloc})
            answer = connection.getresponse()
            answer.read()
            count.add(answer.status < 500)
        except (OSError, http.client.HTTPException):
            connection.close()
            count.add(False)


def bounded(kind: type, least: float, most: float):
    def read(text: str):
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"from {least} to {most}")
        return value

    return read


def main() -> None:
    parser = argparse.ArgumentParser(description="Visitors for the example; ends by itself.")
    parser.add_argument("url", help="http://127.0.0.1:8080/shop/")
    parser.add_argument("--rate", type=bounded(int, 1, 1000), default=100, help="requests a second, at most 1000")
    parser.add_argument("--seconds", type=bounded(float, 1, 900), default=120, help="at most 900")
    choice = parser.parse_args()
    count, end = Count(), time.monotonic() + choice.seconds
    visitors = [
        threading.Thread(target=visit, args=(choice.url, CLIENTS / choice.rate, end, count)) for _ in range(CLIENTS)
    ]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    print(f"{count.requests} requests, {count.failed} failed")


if __name__ == "__main__":
    main()
