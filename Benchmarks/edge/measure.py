"""One measurement: wrk against one server, or a crowd of idle connections."""

import os
import re
import selectors
import socket
import struct
import subprocess
import time

from servers import HERE, program

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def run_wrk(server, scenario, seconds):
    """Loads the server for some seconds; CPU time, rate and latency as one dictionary."""
    scheme = "https" if scenario.tls else "http"
    command = ["taskset", "-c", "1", program("wrk"), "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "--latency"]
    if scenario.script:
        command += ["-s", os.path.join(HERE, scenario.script)]
    for header in scenario.headers:
        command += ["-H", header]
    before = server.cpu_seconds()
    done = subprocess.run(command + [f"{scheme}://127.0.0.1:{server.port}{scenario.path}"], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=True)
    used = server.cpu_seconds() - before
    result = parse_wrk(done.stdout)
    if result["bad"] or result["socketErrors"] or not result["requests"]:
        raise SystemExit(f"{server.name}, {scenario.name}: not all requests were answered with 200:\n{done.stdout}")
    result["cpuMicroseconds"] = used * 1e6 / result["requests"]
    result["cpuShare"] = used / seconds
    result["residentBytes"] = server.resident()
    return result


def parse_wrk(text):
    requests = int(re.search(r"(\d+) requests in", text)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return {"requests": requests,
            "requestsPerSecond": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "p50": latency(text, 50), "p99": latency(text, 99),
            "bad": int(bad[1]) if bad else 0,
            "socketErrors": sum(int(count) for count in errors.groups()) if errors else 0}


def latency(text, percent):
    value, unit = re.search(rf"\b{percent}(?:\.\d+)?%\s+([\d.]+)(us|ms|s|m)\b", text).groups()
    return float(value) * UNITS[unit]


def idle_bytes(server, count):
    """Resident bytes that each of `count` kept-alive connections costs once its request is answered."""
    for _ in range(200):
        crowd(server.port, 1)[0].close()
    time.sleep(1)
    before = server.resident()
    connections = crowd(server.port, count)
    time.sleep(2)
    after = server.resident()
    alive = sum(1 for connection in connections if is_open(connection))
    for connection in connections:
        connection.close()
    if alive < count:
        raise SystemExit(f"{server.name} kept only {alive} of {count} connections open")
    return (after - before) / count


def dropped_bytes(server, count):
    """Growth of the resident size `SETTLED` seconds after `count` connections were dropped, and at its worst.

    `WAVE` at a time, each at one of five moments: connected, within a head, within a body, before its answer is read,
    after it; reset or closed.
    """
    for _ in range(200):
        crowd(server.port, 1)[0].close()
    time.sleep(1)
    before = server.resident()
    worst = before
    for _ in range(count // WAVE):
        drop(server.port, WAVE)
        worst = max(worst, server.resident())
    time.sleep(SETTLED)
    return server.resident() - before, worst - before


SETTLED = 30
WAVE = 6000
MOMENTS = [b"", b"GET /1k HTTP/1.1\r\nHost: loc", b"POST /post HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc",
           b"GET /100k HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n"]


def drop(port, count):
    connections = []
    for start in range(0, count, 200):
        group = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(min(200, count - start))]
        for number, connection in enumerate(group):
            connection.sendall(MOMENTS[number % len(MOMENTS)])
        connections += group
    for number, connection in enumerate(connections):
        if number % len(MOMENTS) == len(MOMENTS) - 1:
            read_answer(connection)
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def crowd(port, count):
    """Connections that have had one answer each; a few hundred at a time so that no accept queue overflows."""
    connections = []
    for start in range(0, count, 200):
        group = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(min(200, count - start))]
        for connection in group:
            connection.sendall(b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for connection in group:
            read_answer(connection)
        connections += group
    return connections


def read_answer(connection):
    connection.settimeout(10)
    data = b""
    while b"\r\n\r\n" not in data or len(data.split(b"\r\n\r\n", 1)[1]) < 1024:
        piece = connection.recv(4096)
        if not piece:
            raise SystemExit(f"closed after {data!r}")
        data += piece


def is_open(connection):
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return not selector.select(0)
