"""What a run needs: the app behind a daemon, the load, and what /proc says about the daemon."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
APPS = os.path.join(ROOT, "Tests", "ScenarioTests", "Apps")
IMAGE = "localhost/aloft-benchmark/version"
ENGINE = os.environ.get("ALOFT_CONTAINER_ENGINE") or "podman"


def binary():
    return os.path.abspath(os.environ.get("ALOFT_BINARY") or os.path.join(ROOT, ".build", "release", "aloft"))


def binary_kind():
    """`debug` binaries of Swift are several times slower; every table says what was measured."""
    return "release" if "/release/" in os.path.realpath(binary()) else "debug"


def compiled(name, folder):
    program = os.path.join(folder, name)
    compiler = "clang" if shutil.which("clang") else "cc"
    subprocess.run([compiler, "-O2", "-static", "-pthread", "-o", program, os.path.join(APPS, f"{name}.c")], check=True)
    return program


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class App:
    """`aloft up` with one service, whose releases differ by $VERSION."""

    def __init__(self, folder, driver, deploy, replicas):
        self.folder, self.driver, self.deploy_keys, self.replicas = folder, driver, deploy, replicas
        self.port = free_port()
        self.program = compiled("version", folder)
        self.image = None

    def __enter__(self):
        if self.driver == "container":
            self.image = self.build()
        runs = f"image: {self.image}" if self.image else f"command: [{self.program}]"
        with open(os.path.join(self.folder, "aloft.yaml"), "w") as file:
            file.write(FILE.format(runs=runs, replicas=self.replicas, deploy=self.deploy_keys, port=self.port))
        self.output = open(os.path.join(self.folder, "aloft.out"), "wb")
        self.daemon = subprocess.Popen([binary(), "up"], cwd=self.folder, stdin=subprocess.DEVNULL,
                                       stdout=self.output, stderr=subprocess.STDOUT)
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            self.daemon.wait(60)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self.output.close()
        if self.image:
            names = self.containers()
            if names:
                subprocess.run([ENGINE, "rm", "--force", *names], stdout=subprocess.DEVNULL)
            subprocess.run([ENGINE, "image", "rm", self.image], stdout=subprocess.DEVNULL)

    def build(self):
        """From scratch: no registry, no network."""
        context = os.path.join(self.folder, "image")
        os.mkdir(context)
        shutil.copy(self.program, context)
        with open(os.path.join(context, "Containerfile"), "w") as file:
            file.write('FROM scratch\nCOPY version /version\nENV BIND="0.0.0.0"\nENTRYPOINT ["/version"]\n')
        name = f"{IMAGE}:{os.getpid()}"
        subprocess.run([ENGINE, "build", "--quiet", "--tag", name, "--file", os.path.join(context, "Containerfile"),
                        context], check=True, stdout=subprocess.DEVNULL)
        return name

    def wait_until_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.daemon.poll() is None:
            status = self.status()
            if status and status["services"][0]["ready"] == self.replicas:
                return
            time.sleep(0.1)
        with open(self.output.name, errors="replace") as printed:
            raise SystemExit(f"the app did not start:\n{printed.read()[-3000:]}")

    def command(self, *words):
        return subprocess.run([binary(), *words], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=300)

    def status(self):
        answer = self.command("status", "--json")
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def deploy(self, version):
        """Seconds until it was current, and what went wrong, if anything."""
        began = time.monotonic()
        answer = self.command("deploy", "web", "--set", f"env.VERSION={version}", "--json")
        took = time.monotonic() - began
        problem = None
        if answer.returncode != 0:
            problem = f"deploy {version} ended with {answer.returncode}: {(answer.stderr or answer.stdout)[-400:]}"
        return took, problem

    def sample(self):
        """Bytes of memory of its own and all that is resident (with pages of files, such as the binary's), open files and
        threads of the daemon."""
        process = f"/proc/{self.daemon.pid}"
        with open(f"{process}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        return {"memory": int(fields["RssAnon"].split()[0]) * 1024, "resident": int(fields["VmRSS"].split()[0]) * 1024,
                "threads": int(fields["Threads"]), "files": len(os.listdir(f"{process}/fd"))}

    def containers(self):
        label = f"label=aloft.state={self.folder}/.aloft"
        answer = subprocess.run([ENGINE, "ps", "--all", "--filter", label, "--format", "{{.Names}}"],
                                capture_output=True, text=True, check=True)
        return answer.stdout.split()

    def left_behind(self):
        """Processes or containers beyond the replicas that the service should have; some seconds to end are given."""
        for _ in range(50):
            running = self.containers() if self.image else self.processes()
            if len(running) <= self.replicas:
                return []
            time.sleep(0.2)
        return running

    def processes(self):
        return [pid for pid in os.listdir("/proc") if pid.isdigit() and executable(pid) == self.program]


class Load:
    """load.c, whose counts are read at the end."""

    def __init__(self, folder, port, rate, connections):
        self.command = [compiled("load", folder), str(port), str(rate), str(connections), "10", "0"]
        self.path = os.path.join(folder, "load.out")

    def __enter__(self):
        self.output = open(self.path, "wb")
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.output)
        time.sleep(1)  # so that the daemon's first sample is one under load
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.output.close()

    def finish(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        with open(self.path) as file:
            counts = json.loads([line for line in file if line.startswith("{")][-1])
        if not counts["done"]:
            raise SystemExit("the load ended without its counts")
        return counts

    def failures(self):
        with open(self.path) as file:
            return [line.rstrip() for line in file if line.startswith("!")]


def executable(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None  # ended meanwhile, or not ours to see


FILE = """version: 1
app: deploys
services:
  web:
    {runs}
    env: {{VERSION: "0"}}
    replicas: {replicas}
    probes: {{readiness: {{httpGet: /ready, period: 500ms, timeout: 2s, failureThreshold: 3}}}}
    stop: {{drain: 5s, grace: 5s}}
    deploy: {deploy}
edge:
  listeners: [{{address: "127.0.0.1:{port}"}}]
  admin: off
  routes: [{{match: {{path: /*}}, service: web}}]
logs: {{access: off}}
"""
