#!/usr/bin/env python3
"""What supervision costs, and how soon replicas are there: make bench-compute (OPTIONS="--only zero --rounds 20").

idle   processor time of a daemon that looks after 200 replicas while nothing happens, as a share of one core
zero   the first request to a service without replicas, beside the same app started alone and asked until it answers
step   requests go to ten times their rate: how long until as many replicas as that needs are in rotation

Everything listens on loopback, lives in a folder of its own, and is ended by id. Prints JSON as its last line.
"""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


class Daemon:
    """One `aloft up` in a folder of its own."""

    def __init__(self, binary, services):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aloft-bench-"))
        self.port = free_port()
        (self.folder / "aloft.yaml").write_text(
            f"""version: 1
app: bench
services:
{services}
edge:
  listeners: [{{address: "127.0.0.1:{self.port}"}}]
  admin: "off"
  routes: [{{match: {{path: /}}, service: web}}]
logs: {{access: "off"}}
"""
        )
        self.log = open(self.folder / "out.log", "wb")
        self.process = subprocess.Popen(
            [binary, "up"], cwd=self.folder, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )

    def status(self):
        answer = subprocess.run(
            [self.binary, "status", "--json"], cwd=self.folder, capture_output=True, text=True, timeout=30
        )
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def wait(self, what, condition, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.status()
            if status and condition(status["services"][0]):
                return status
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit(f"never: {what}\n{(self.folder / 'out.log').read_text()[-2000:]}")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, timeout=30):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def idle(binary, options):
    """Share of one core, over each of `rounds` intervals."""
    daemon = Daemon(
        binary,
        f"""  web:
    command: [busybox, httpd, -f, -p, "127.0.0.1:${{PORT}}", -h, .]
    replicas: {options.replicas}
    probes:
      readiness: {{httpGet: /aloft.yaml, period: 5s}}
      liveness: {{httpGet: /aloft.yaml, period: 10s}}
""",
    )
    try:
        started = time.monotonic()
        daemon.wait("all replicas ready", lambda service: service["ready"] == options.replicas)
        ready = time.monotonic() - started
        time.sleep(15)  # What the start left to do: first measurements, first periods of the probes.
        shares = []
        for _ in range(options.rounds):
            before, start = daemon.cpu_seconds(), time.monotonic()
            time.sleep(20)
            shares.append((daemon.cpu_seconds() - before) / (time.monotonic() - start))
        return {
            "replicas": options.replicas, "readySeconds": round(ready, 2),
            "shareOfCore": [round(share, 4) for share in shares], "median": round(statistics.median(shares), 4),
            "limit": 0.02,
        }
    finally:
        daemon.close()


def start_alone(app):
    """Seconds from the start of the app by itself to its first answer."""
    port = free_port()
    start = time.monotonic()
    process = subprocess.Popen(
        app, env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                if ask(port) == 200:
                    return time.monotonic() - start
            except OSError:
                time.sleep(0.001)
            if time.monotonic() - start > 30:
                sys.exit(f"{app} does not answer")
    finally:
        process.terminate()
        process.wait(10)


def zero(binary, options):
    """Pairs: the app alone, then the same app behind an edge that has to have it started first."""
    app = ["python3", str(ROOT / "Tests/ScenarioTests/Apps/web.py")]
    daemon = Daemon(
        binary,
        f"""  web:
    command: [{", ".join(app)}]
    probes: {{readiness: {{tcpSocket: true, period: 1s}}}}
    stop: {{drain: 1s, grace: 1s}}
    scaling: {{minReplicas: 1, maxReplicas: 1, idle: {{after: 1s, to: 0, maxWait: 30s}}}}
""",
    )
    try:
        alone, held = [], []
        for _ in range(options.rounds):
            daemon.wait("no replica", lambda service: service["desired"] == 0 and not service["replicas"])
            alone.append(start_alone(app))
            start = time.monotonic()
            if ask(daemon.port) != 200:
                sys.exit("the first request was not answered with 200")
            held.append(time.monotonic() - start)
        more = [after - before for before, after in zip(alone, held)]
        return {
            "aloneMs": milliseconds(alone), "heldMs": milliseconds(held), "beyondMs": milliseconds(more),
            "medianBeyondMs": round(statistics.median(more) * 1000, 1), "limitMs": 200,
        }
    finally:
        daemon.close()


def step(binary, options):
    """From 10 to 100 requests a second at 20 for each replica: from one replica to five."""
    app = ["python3", str(ROOT / "Tests/ScenarioTests/Apps/web.py")]
    window = 5
    seconds = []
    starts = [start_alone(app) for _ in range(3)]
    for _ in range(options.rounds):
        daemon = Daemon(
            binary,
            f"""  web:
    command: [{", ".join(app)}]
    probes: {{readiness: {{tcpSocket: true, period: 1s}}}}
    stop: {{drain: 1s, grace: 1s}}
    scaling:
      minReplicas: 1
      maxReplicas: 10
      metrics: [{{requestsPerReplica: 20/s}}]
      behavior: {{scaleUp: {{stabilizationWindow: {window}s}}, scaleDown: {{stabilizationWindow: 60s}}}}
""",
        )
        load = Load(daemon.port)
        try:
            daemon.wait("one replica", lambda service: service["ready"] == 1)
            load.rate = 10
            time.sleep(20)
            load.rate = 100
            start = time.monotonic()
            daemon.wait("five replicas", lambda service: service["ready"] >= 5)
            seconds.append(time.monotonic() - start)
        finally:
            load.stop()
            daemon.close()
        if load.bad:
            sys.exit(f"{load.bad} requests failed")
    return {
        "seconds": [round(second, 1) for second in seconds], "windowSeconds": window,
        "startSeconds": round(max(starts), 2), "limitSeconds": round(window + max(starts) + 5, 1),
    }


class Load:
    """`rate` requests a second over twenty connections that stay open."""

    CLIENTS = 20

    def __init__(self, port):
        self.port, self.rate, self.bad, self.is_over = port, 0, 0, False
        self.threads = [threading.Thread(target=self.run, args=(index,)) for index in range(self.CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, index):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.is_over:
            rate = self.rate
            if not rate:
                time.sleep(0.05)
                continue
            due = time.monotonic() + self.CLIENTS / rate
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                self.bad += answer.status != 200
            except (OSError, http.client.HTTPException):
                self.bad += 1
                connection.close()
            # In pieces, so that a change of the rate is seen.
            while not self.is_over and self.rate == rate and time.monotonic() < due:
                time.sleep(min(0.05, max(0.001, due - time.monotonic())))

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(60)


def milliseconds(seconds):
    return [round(second * 1000, 1) for second in seconds]


MEASURES = {"idle": idle, "zero": zero, "step": step}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build/release/aloft"))
    parser.add_argument("--only", choices=MEASURES, action="append", help="may be given more than once")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--replicas", type=int, default=200)
    options = parser.parse_args()
    binary = os.path.realpath(options.binary)
    if not os.access(binary, os.X_OK):
        sys.exit(f"{binary} is not there: make build")
    results = {"load": os.getloadavg()[0]}
    for name in options.only or MEASURES:
        print(f"{name} …", flush=True)
        results[name] = MEASURES[name](binary, options)
        print(f"{name}: {json.dumps(results[name])}", flush=True)
    results["loadAfter"] = os.getloadavg()[0]
    print(json.dumps(results))


if __name__ == "__main__":
    main()
