"""What must hold before a version of the shop is sent a request: `python3 gates.py NAME`.

Each gate does its work with Python alone as far as that goes, and with the tool made for it where that is installed.
Exit code 0 passes. The last line says what was found.

    types            every file compiles, every function's annotations can be read; mypy where it is there
    security         no call that runs text as code or a shell, no secret in the source; bandit where it is there
    unit             tests/unit.py, and at least 80% of shop.py's lines are run by it
    database         tests/database.py, with SQLite in a file
    redis            tests/redis.py, with a Redis of its own; needs redis-server
    e2e              tests/e2e.py, through the port of a process of its own
    performance      400 requests by 4 clients: the 95th of each hundred within 100 ms, none fails
    image            trivy's findings in the Containerfile; needs trivy
    infrastructure   aloft.yaml as production would have it; needs aloft
"""

import ast
import http.client
import inspect
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import trace
import typing
import unittest
from pathlib import Path
from types import CodeType

sys.dont_write_bytecode = True  # the folder may be a release's, which nobody changes
HERE = Path(__file__).resolve().parent
LEAST_COVERAGE = 80
SLOWEST_MS = 100
FORBIDDEN = {"eval", "exec", "os.system", "os.popen", "pickle.loads", "marshal.loads"}
SECRET = re.compile(r"(AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|(?i:password|secret|token)\s*=\s*[\"'][^\"']+)")


class Failed(Exception):
    """A gate did not pass; the text says why."""


def sources() -> list[Path]:
    return sorted(path for path in HERE.rglob("*.py"))


def tool(*command: str, shows: bool = True) -> bool:
    """Runs a tool where it is installed; its failure is the gate's."""
    if shutil.which(command[0]) is None:
        return False
    if subprocess.run(command, cwd=HERE, stdout=None if shows else subprocess.DEVNULL).returncode != 0:
        raise Failed(f"{command[0]} found something")
    return True


def types() -> str:
    for path in sources():
        compile(path.read_text(), str(path), "exec")
    import shop

    functions = [each for each in vars(shop).values() if inspect.isfunction(each)]
    for kind in [each for each in vars(shop).values() if inspect.isclass(each) and each.__module__ == "shop"]:
        functions += [each for each in vars(kind).values() if inspect.isfunction(each)]
    for function in functions:
        if "return" not in typing.get_type_hints(function):
            raise Failed(f"shop.{function.__qualname__} does not say what it returns")
    checked = "" if tool("mypy", "--strict", "shop.py") else "; install mypy to have their use checked too"
    return f"{len(sources())} files compile, {len(functions)} annotations can be read{checked}"


def security() -> str:
    for path in sources():
        text = path.read_text()
        for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
            by_shell = any(word.arg == "shell" and ast.unparse(word.value) == "True" for word in call.keywords)
            if ast.unparse(call.func) in FORBIDDEN or by_shell:
                raise Failed(f"{path.name}:{call.lineno}: {ast.unparse(call)}")
        if found := SECRET.search(text):
            raise Failed(f"{path.name}: {found[0]}")
    scanned = "" if tool("bandit", "-q", "-ll", "shop.py") else "; install bandit to have more looked for"
    return f"nothing found in {len(sources())} files{scanned}"


def run_tests(name: str) -> int:
    """Runs the tests of one file, and gives their number."""
    sys.path.insert(0, str(HERE / "tests"))
    result = unittest.TextTestRunner(stream=sys.stdout).run(unittest.defaultTestLoader.loadTestsFromName(name))
    if not result.wasSuccessful() or result.testsRun == 0:
        raise Failed(f"{len(result.failures) + len(result.errors)} of {result.testsRun} tests failed")
    return result.testsRun


def lines(code: CodeType) -> set[int]:
    """The lines that can be run, of a file and all that is in it."""
    own = {line for _, _, line in code.co_lines() if line}
    return own.union(*(lines(each) for each in code.co_consts if isinstance(each, CodeType)))


def unit() -> str:
    counter = trace.Trace(count=1, trace=0, ignoredirs=[sys.prefix, sys.exec_prefix])
    threading.settrace(counter.globaltrace)
    tests = counter.runfunc(run_tests, "unit")
    path = str(HERE / "shop.py")
    wanted = lines(compile(Path(path).read_text(), path, "exec"))
    run = {line for file, line in counter.results().counts if file == path} & wanted
    share = 100 * len(run) // len(wanted)
    if share < LEAST_COVERAGE:
        missing = ", ".join(map(str, sorted(wanted - run)))
        raise Failed(f"{share}% of shop.py's lines are run by tests, {LEAST_COVERAGE}% must be; not lines {missing}")
    return f"{tests} tests, {share}% of shop.py's lines"


def database() -> str:
    return f"{run_tests('database')} tests with SQLite"


def redis() -> str:
    if shutil.which("redis-server") is None:
        raise Failed("not tested: install redis-server")
    return f"{run_tests('redis')} tests with Redis"


def e2e() -> str:
    run_tests("e2e")
    return "20 visits through its port"


def performance() -> str:
    sys.path.insert(0, str(HERE / "tests"))
    from running import running_shop

    times: list[float] = []
    failures: list[int] = []

    def client(port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(100):
            began = time.monotonic()
            connection.request("GET", "/shop/products")
            answer = connection.getresponse()
            answer.read()
            times.append(time.monotonic() - began)
            if answer.status >= 500:
                failures.append(answer.status)
        connection.close()

    with running_shop() as port:
        clients = [threading.Thread(target=client, args=(port,)) for _ in range(4)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
    if len(times) < 400 or failures:
        raise Failed(f"{400 - len(times) + len(failures)} of 400 requests failed")
    p95 = sorted(times)[len(times) * 95 // 100] * 1000
    if p95 > SLOWEST_MS:
        raise Failed(f"p95 {p95:.0f} ms, allowed {SLOWEST_MS} ms")
    return f"400 requests, p95 {p95:.0f} ms"


def image() -> str:
    if not tool("trivy", "config", "--exit-code", "1", "--severity", "HIGH,CRITICAL", "Containerfile"):
        raise Failed("not scanned: install trivy")
    return "trivy found nothing in the Containerfile"


def infrastructure() -> str:
    # It looks for aloft.yaml in the folders above, of an artifact as well: those are kept below the state directory.
    # The plan itself is long; what is wrong with it goes to stderr.
    if not tool("aloft", "plan", "--env", "production", shows=False):
        raise Failed("not planned: aloft is not in PATH")
    return "production can be planned"


GATES = [types, security, unit, database, redis, e2e, performance, image, infrastructure]


def main(arguments: list[str]) -> int:
    gate = {each.__name__: each for each in GATES}.get(arguments[0] if len(arguments) == 1 else "")
    if gate is None:
        print(f"usage: python3 gates.py {'|'.join(each.__name__ for each in GATES)}", file=sys.stderr)
        return 2
    os.chdir(HERE)
    try:
        print(gate())
    except (Failed, SyntaxError) as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
