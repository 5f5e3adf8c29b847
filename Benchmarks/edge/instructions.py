#!/usr/bin/env python3
"""Counts the instructions that a server executes in user mode for each request, with callgrind: no other load of the
machine changes them. What it executes in the same time without a request is taken off. The kernel's share is not in them; bench.py has the processor time of both.

    Benchmarks/edge/instructions.py [--scenario get-1k] [--server aloft nginx haproxy] [--seconds 15]

Needs Debian's valgrind. The server runs some fifty times slower meanwhile, which is no measure of anything.
"""

import argparse
import dataclasses
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time

from bench import running
from measure import run_wrk
from scenarios import SCENARIOS
from servers import NAMES, TITLES, aloft_binary, program


def main():
    options = arguments()
    scenario = next(one for one in SCENARIOS if one.name == options.scenario)
    # So slow a server would keep 64 connections waiting for longer than wrk does.
    scenario = dataclasses.replace(scenario, connections=8)
    with tempfile.TemporaryDirectory() as folder:
        for name in options.server:
            counts = [counted(name, scenario, options.seconds, folder) for _ in range(options.rounds)]
            shown = ", ".join(f"{count:,.0f}".replace(",", " ") for count in counts)
            print(f"{TITLES[name]}, {scenario.title}: {shown} user instructions a request", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", choices=[one.name for one in SCENARIOS], default="get-1k")
    parser.add_argument("--server", nargs="+", choices=NAMES, default=["aloft"])
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


def counted(name, scenario, seconds, folder):
    with running(scenario, [name], under=under_callgrind(folder), patience=180) as servers:
        server = servers[name]
        run_wrk(server, scenario, 3)
        control("--zero")
        requests = run_wrk(server, scenario, seconds)["requests"]
        control("--dump")
        time.sleep(seconds)
        control("--dump")
    # The second dump is what the server does without a request in the same time; a third is its end.
    loaded, idle = (dumped(folder, number) for number in (1, 2))
    for path in glob.glob(os.path.join(folder, "callgrind.*")):
        os.unlink(path)
    if loaded <= idle:
        raise SystemExit(f"{name}: callgrind has dumped nothing")
    return (loaded - idle) / requests


def dumped(folder, number):
    """Instructions in the dump of that number, of all processes."""
    total = 0
    for path in glob.glob(os.path.join(folder, f"callgrind.*.{number}")):
        with open(path, errors="replace") as dump:
            total += sum(int(line.split()[1]) for line in dump if re.match(r"summary: \d+", line))
    return total


def under_callgrind(folder):
    """Puts a server under callgrind, its worker processes with it; what Aloft runs as a replica stays outside."""

    def under(command):
        tool = [program("valgrind"), "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.%p"]
        if command[0] == aloft_binary():
            return [*tool, stripped(folder), *command[1:]]
        return [*tool, "--trace-children=yes", *command]

    return under


def stripped(folder):
    """Valgrind gives up on the debug information of a statically linked Swift program."""
    path = os.path.join(folder, "aloft")
    if not os.path.exists(path):
        shutil.copy(aloft_binary(), path)
        subprocess.run([program("strip"), "--strip-debug", path], check=True, stdin=subprocess.DEVNULL)
    return path


def control(what):
    subprocess.run([program("callgrind_control"), what], check=True, capture_output=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
