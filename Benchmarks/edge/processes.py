"""Starting servers, and what /proc says about them."""

import os
import signal
import socket
import ssl
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """One process under test with its own children (nginx's worker), pinned to one processor."""

    def __init__(self, name, command, directory, environment=None, cpu="0"):
        self.name = name
        self.output = open(os.path.join(directory, f"{name}.out"), "wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", cpu, *command], cwd=directory, env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT)

    def wait_until(self, ready, seconds=20):
        """Returns once `ready()` is true; ends the benchmark where the server ends or takes too long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if ready():
                return self
            time.sleep(0.02)
        self.stop()
        with open(self.output.name, errors="replace") as printed:
            raise SystemExit(f"{self.name} did not start:\n{printed.read()[-3000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.close()

    @property
    def pids(self):
        """The server's processes: itself, and children of the same program (not what Aloft runs for its services)."""
        own = self.process.pid
        program = executable(own)
        return [own] + [pid for pid in children(own) if executable(pid) == program]

    def cpu_seconds(self):
        """User and system time of all threads until now. The kernel keeps it in nanoseconds and shows it in ticks of
        10 ms, so a run of some seconds is exact to half a percent or better."""
        return sum(cpu_ticks(pid) for pid in self.pids) / TICK

    def resident(self):
        return sum(memory(pid, "VmRSS:") for pid in self.pids)

    def peak_resident(self):
        return sum(memory(pid, "VmHWM:") for pid in self.pids)


def answers(port, tls=False):
    """True once a GET through the server is answered with 200."""
    request = b"GET /1k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as plain:
            with trusting().wrap_socket(plain) if tls else plain as connection:
                connection.sendall(request)
                return b" 200 " in connection.recv(64)
    except OSError:
        return False  # does not listen yet, or closed the connection


def trusting():
    """A TLS client that takes any certificate: the servers here use one made for the run."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def memory(pid, field):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    return 0


def executable(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def children(pid):
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and parent(name) == pid]


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None  # ended meanwhile
