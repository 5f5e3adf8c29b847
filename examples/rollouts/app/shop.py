"""A small shop with nothing but Python's standard library, made to be deployed well and badly.

    /NAME/            a page that says which version answered
    /NAME/products    the products as JSON, from SQLite
    /NAME/views       how often it was asked for, counted in Redis where REDIS names one
    /health/ready     200 while it takes requests, 503 once it was asked to stop
    /health/live      200 as long as the process can answer at all

NAME is any word, so that services may share this app behind one listener. Variables say what it is like:

    VERSION      what it calls itself
    ERRORS       so many of a hundred requests are answered with 500, evenly spread
    SLOW_MS      so long before each answer
    CRASH_AFTER  seconds after which the process ends with code 3
    BIND         address it listens on; 127.0.0.1 by default, in a container 0.0.0.0
    DATABASE     file of the database; in memory by default
    REDIS        host:port

`python3 shop.py migrate` brings the database up to date and ends; MIGRATION=fails makes it fail.
"""

import json
import os
import signal
import socket
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

PRODUCTS = [("Apron", 1900), ("Bread knife", 3450), ("Colander", 1575)]
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Shop</title></head>
<body><h1>Shop, version {version}</h1><ul>{items}</ul></body></html>
"""


def number(name: str) -> float:
    """A variable that is a number; 0 where it is not set."""
    return float(os.environ.get(name) or 0)


class Catalogue:
    """The products, in SQLite."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.connection = sqlite3.connect(path, check_same_thread=False)

    def migrate(self) -> int:
        """Makes what is missing, and gives the number of products; may be run again."""
        with self.lock, self.connection:
            self.connection.execute("CREATE TABLE IF NOT EXISTS products (name TEXT PRIMARY KEY, cents INTEGER)")
            self.connection.executemany("INSERT OR IGNORE INTO products VALUES (?, ?)", PRODUCTS)
        return len(self.all())

    def all(self) -> list[tuple[str, int]]:
        with self.lock:
            return self.connection.execute("SELECT name, cents FROM products ORDER BY name").fetchall()

    def close(self) -> None:
        self.connection.close()


class Views:
    """Counts in Redis, whose protocol is a line for each part of a command."""

    def __init__(self, address: str) -> None:
        host, port = address.rsplit(":", 1)
        self.connection = socket.create_connection((host, int(port)), timeout=2)
        self.answers = self.connection.makefile("rb")

    def add(self, key: str) -> int:
        """One more; gives how many that makes."""
        self.connection.sendall(f"INCR {key}\r\n".encode())
        answer = self.answers.readline()
        if not answer.startswith(b":"):
            raise OSError(f"Redis answered {answer!r}")
        return int(answer[1:])

    def close(self) -> None:
        self.answers.close()
        self.connection.close()


class Faults:
    """Which answers go wrong, and how."""

    def __init__(self, errors: float, slow_ms: float) -> None:
        self.errors = errors
        self.slow_ms = slow_ms
        self.sum = 0.0
        self.lock = threading.Lock()

    def is_next_bad(self) -> bool:
        """True for exactly so many of each hundred."""
        with self.lock:
            self.sum += self.errors
            if self.sum < 100:
                return False
            self.sum -= 100
            return True

    def wait(self) -> None:
        time.sleep(self.slow_ms / 1000)


class Shop(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port: int) -> None:
        super().__init__((os.environ.get("BIND", "127.0.0.1"), port), Handler)
        self.version = os.environ.get("VERSION", "1")
        self.faults = Faults(number("ERRORS"), number("SLOW_MS"))
        self.catalogue = Catalogue(os.environ.get("DATABASE", ":memory:"))
        self.catalogue.migrate()
        self.stopping = threading.Event()
        self.under_way = 0
        self.changed = threading.Condition()

    def count(self, difference: int) -> None:
        with self.changed:
            self.under_way += difference
            self.changed.notify_all()

    def finish(self, seconds: float) -> None:
        """Waits for the answers that are under way."""
        with self.changed:
            self.changed.wait_for(lambda: self.under_way == 0, seconds)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024  # head and body leave in one write
    disable_nagle_algorithm = True
    timeout = 75
    server: Shop

    def do_GET(self) -> None:
        self.server.count(1)
        try:
            self.route(self.path.split("?")[0])
        finally:
            self.server.count(-1)

    do_HEAD = do_GET

    def route(self, path: str) -> None:
        if path == "/health/ready":
            is_stopping = self.server.stopping.is_set()
            return self.answer(503 if is_stopping else 200, "stopping\n" if is_stopping else "ready\n")
        if path == "/health/live":
            return self.answer(200, "live\n")
        self.server.faults.wait()
        if self.server.faults.is_next_bad():
            return self.answer(500, f"version {self.server.version} failed\n")
        name, _, page = path.lstrip("/").partition("/")
        if page == "products":
            return self.answer(200, json.dumps(dict(self.server.catalogue.all())) + "\n", "application/json")
        if page == "views":
            return self.views(name)
        if page == "":
            items = "".join(f"<li>{name}, {cents / 100:.2f}</li>" for name, cents in self.server.catalogue.all())
            return self.answer(200, PAGE.format(version=self.server.version, items=items), "text/html; charset=utf-8")
        return self.answer(404, "no such page\n")

    def views(self, name: str) -> None:
        address = os.environ.get("REDIS")
        if not address:
            return self.answer(404, "nobody counts: REDIS is not set\n")
        try:
            views = Views(address)
            total = views.add(f"views:{name}")
            views.close()
        except OSError as error:
            return self.answer(503, f"{error}\n")
        return self.answer(200, f"{total}\n")

    def answer(self, status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", self.server.version)
        if self.server.stopping.is_set():
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Requests are in Aloft's access log."""


def crash() -> None:
    print("out of luck: CRASH_AFTER is over", flush=True)
    os._exit(3)


def serve() -> None:
    server = Shop(int(os.environ["PORT"]))

    def stop(signal_number: int, frame: FrameType | None) -> None:
        server.stopping.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if number("CRASH_AFTER") > 0:
        timer = threading.Timer(number("CRASH_AFTER"), crash)
        timer.daemon = True
        timer.start()
    print(f"version {server.version} listens on port {server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.finish(seconds=30)


def migrate() -> int:
    if os.environ.get("MIGRATION") == "fails":
        print("the table products is locked by somebody else")
        return 1
    path = os.environ.get("DATABASE", ":memory:")
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    print(f"{path}: {Catalogue(path).migrate()} products")
    return 0


def main(arguments: list[str]) -> int:
    if arguments == ["migrate"]:
        return migrate()
    serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
