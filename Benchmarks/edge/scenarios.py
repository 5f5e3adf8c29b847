"""What is measured: one entry a row of the table."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    path: str = "/1k"
    script: str | None = None
    unix: bool = False
    tls: bool = False
    forwarding: bool = False
    headers: tuple = field(default=())
    connections: int = 64


SCENARIOS = [
    Scenario("get-1k", "GET, 1 KiB"),
    Scenario("get-1k-forwarding", "GET, 1 KiB, all three add forwarding fields", forwarding=True),
    Scenario("get-100k", "GET, 100 KiB", path="/100k"),
    Scenario("post-10k", "POST, 10 KiB", path="/post", script="post.lua"),
    Scenario("unix-get-1k", "GET, 1 KiB, Unix-socket upstream", unix=True),
    Scenario("unix-get-100k", "GET, 100 KiB, Unix-socket upstream", path="/100k", unix=True),
    Scenario("unix-post-10k", "POST, 10 KiB, Unix-socket upstream", path="/post", script="post.lua", unix=True),
    Scenario("tls-get-1k", "GET, 1 KiB, TLS, kept alive", tls=True),
    Scenario("tls-connect", "GET, 1 KiB, a new TLS connection each", tls=True, headers=("Connection: close",)),
]
IDLE = "idle"
IDLE_CONNECTIONS = 10_000
DROPPED = "dropped"
DROPPED_CONNECTIONS = 42_000
