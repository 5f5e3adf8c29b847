#!/usr/bin/env python3
"""Shows where the processor time of one server goes: kernel and user share, and its ten costliest user functions.

    Benchmarks/edge/profile_edge.py [--scenario get-1k] [--server aloft] [--seconds 10]

Samples the processor clock with `perf` (Debian's linux-perf) while wrk loads the server as in bench.py.
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import threading

from bench import running
from measure import run_wrk
from report import insert
from scenarios import SCENARIOS
from servers import NAMES, ROOT, TITLES, program


def main():
    options = arguments()
    scenario = next(one for one in SCENARIOS if one.name == options.scenario)
    with running(scenario, [options.server]) as servers, tempfile.TemporaryDirectory() as folder:
        server = servers[options.server]
        run_wrk(server, scenario, 1)
        data = os.path.join(folder, "perf.data")
        loaded = {}
        load = threading.Thread(target=lambda: loaded.update(run_wrk(server, scenario, options.seconds + 2)))
        load.start()
        pids = ",".join(str(pid) for pid in server.pids)
        subprocess.run([program("perf"), "record", "-q", "-e", "cpu-clock", "-F", "1999", "-p", pids, "-o", data,
                        "--", "sleep", str(options.seconds)], check=True, stdin=subprocess.DEVNULL)
        load.join()
        cost = f"{TITLES[options.server]}, {scenario.title}: {loaded['cpuMicroseconds']:.1f} µs per request. "
        text = cost + shown(samples(data))
        print(text)
        if options.server == "aloft" and options.scenario == "get-1k":
            insert(os.path.join(ROOT, "docs", "performance.md"), "profile", text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", choices=[one.name for one in SCENARIOS], default="get-1k")
    parser.add_argument("--server", choices=NAMES, default="aloft")
    parser.add_argument("--seconds", type=int, default=10)
    return parser.parse_args()


def samples(data):
    """Share of all samples by (is it the kernel, function)."""
    report = subprocess.run(
        [program("perf"), "report", "-i", data, "--stdio", "--no-children", "--percent-limit", "0", "-F",
         "overhead,symbol", "-w", "0,0"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout
    found = []
    for line in report.splitlines():
        match = re.match(r"\s*([\d.]+)%\s+\[([k.])\]\s+(.+?)\s*$", line)
        if match:
            found.append((float(match[1]), match[2] == "k", match[3]))
    if not found:
        raise SystemExit(f"perf saw nothing:\n{report[:2000]}")
    return found


def shown(found):
    kernel = sum(share for share, in_kernel, _ in found if in_kernel)
    user = sum(share for share, in_kernel, _ in found if not in_kernel)
    lines = [f"Kernel {kernel:.1f}%, user {user:.1f}%.", "", "| user function | share of all samples |", "|---|---|"]
    top = sorted((one for one in found if not one[1]), reverse=True)[:10]
    for (share, _, _), name in zip(top, readable([name for _, _, name in top])):
        lines.append(f"| `{name}` | {share:.1f}% |")
    return "\n".join(lines)


def readable(names):
    """Swift's mangled names as people write them, where the toolchain is there to say so."""
    if not names or shutil.which("swift") is None:
        return names
    done = subprocess.run(["swift", "demangle", "--simplified", "--compact"], input="\n".join(names),
                          capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


if __name__ == "__main__":
    main()
