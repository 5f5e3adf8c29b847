#!/usr/bin/env python3
"""Measures Aloft's edge beside nginx and HAProxy, all three as a proxy before the same upstream.

Each server has one worker, pinned to processor 0; wrk and the upstream share processor 1. The servers of one scenario
take turns, round after round, so that whatever else the machine does hits all of them alike. What counts is the
server's own processor time per request, which swings far less than rates do on a shared machine.

    Benchmarks/edge/bench.py                              everything, 5 rounds of 5 seconds
    Benchmarks/edge/bench.py --scenario get-1k --rounds 9
    Benchmarks/edge/bench.py --servers nginx haproxy      without Aloft
"""

import argparse
import contextlib
import datetime
import json
import os
import resource
import shutil
import sys
import tempfile

import report
from measure import SETTLED, dropped_bytes, idle_bytes, run_wrk
from scenarios import DROPPED, DROPPED_CONNECTIONS, IDLE, IDLE_CONNECTIONS, SCENARIOS
from servers import NAMES, ROOT, TITLES, Setting, aloft_binary, version


def main():
    options = arguments()
    if "aloft" in options.servers and not os.access(aloft_binary(), os.X_OK):
        raise SystemExit(f"{aloft_binary()} is not there; `make build` builds it")
    allow_many_files()
    warn_if_busy()
    chosen = [scenario for scenario in SCENARIOS if scenario.name in options.scenario]
    results = {scenario.name: compare(scenario, options) for scenario in chosen}
    if IDLE in options.scenario:
        results[IDLE] = compare_idle(options.servers)
    tables = report.table(chosen, results) if chosen else ""
    if IDLE in results:
        tables += "\n\n" + report.idle_table(results[IDLE])
    if DROPPED in options.scenario:
        results[DROPPED] = compare_dropped(options.servers)
        tables += "\n\n" + report.dropped_table(results[DROPPED])
    print("\n" + tables)
    if not options.no_write:
        write(options, results, tables)


def arguments():
    known = [scenario.name for scenario in SCENARIOS] + [IDLE, DROPPED]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", nargs="+", choices=known, default=known, metavar="NAME",
                        help="some of: " + ", ".join(known))
    parser.add_argument("--servers", nargs="+", choices=NAMES, default=NAMES, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement")
    parser.add_argument("--no-write", action="store_true", help="print only, write no result file")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    options.is_whole = set(options.scenario) == set(known) and set(options.servers) == set(NAMES)
    return options


def compare(scenario, options):
    """All rounds of one scenario; the servers live through all of it, so that peak memory means something."""
    with running(scenario, options.servers) as servers:
        rounds = {name: [] for name in servers}
        for server in servers.values():
            run_wrk(server, scenario, 1)  # fills pools and caches; not counted
        for number in range(options.rounds):
            order = list(servers.values())
            for server in order[number % len(order):] + order[:number % len(order)]:
                one = run_wrk(server, scenario, options.seconds)
                rounds[server.name].append(one)
                progress(scenario, number, server, one)
        return {name: {"rounds": rounds[name], "summary": report.summary(rounds[name]),
                       "peakResidentBytes": servers[name].peak_resident()} for name in servers}


def compare_idle(names):
    result = {}
    for name in names:
        with running(SCENARIOS[0], [name]) as servers:
            used = idle_bytes(servers[name], IDLE_CONNECTIONS)
            result[name] = {"bytesPerConnection": used, "connections": IDLE_CONNECTIONS}
            print(f"idle             {name:8} {used:8.0f} bytes per connection", flush=True)
    return result


def compare_dropped(names):
    result = {}
    for name in names:
        with running(SCENARIOS[0], [name]) as servers:
            kept, worst = dropped_bytes(servers[name], DROPPED_CONNECTIONS)
            result[name] = {"keptBytes": kept, "worstBytes": worst, "connections": DROPPED_CONNECTIONS}
            print(f"dropped          {name:8} {kept / 1e6:8.1f} MB more after {SETTLED} s, "
                  f"{worst / 1e6:.1f} MB at its worst", flush=True)
    return result


@contextlib.contextmanager
def running(scenario, names, **more):
    """The scenario's servers, started; stopped and cleaned up on the way out, whatever happens."""
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="aloft-bench-")
        stack.callback(shutil.rmtree, folder)
        os.chmod(folder, 0o755)  # workers of servers started by root run as another user
        setting = Setting(folder, unix=scenario.unix, tls=scenario.tls, forwarding=scenario.forwarding,
                          **more)
        if set(names) != {"aloft"}:
            stack.callback(setting.upstream().stop)
        servers = {}
        for name in names:
            servers[name] = setting.start(name)
            stack.callback(servers[name].stop)
        yield servers


def progress(scenario, number, server, one):
    print(f"{scenario.name:17} round {number + 1}  {server.name:8} {one['cpuMicroseconds']:7.2f} µs/request "
          f"{one['requestsPerSecond']:8.0f}/s  p99 {one['p99'] * 1e3:7.2f} ms  cpu {one['cpuShare']:4.0%}", flush=True)


def allow_many_files():
    """Idle connections need one file each here and in the server."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def warn_if_busy():
    """What else runs shows in every number, and least in a ratio."""
    load = os.getloadavg()[0]
    if load > 1:
        print(f"the machine is busy (load {load:.1f}): these numbers will be poor", file=sys.stderr)


def write(options, results, tables):
    machine = report.host()
    day = datetime.date.today().isoformat()
    folder = os.path.join(ROOT, "Benchmarks", "results")
    os.makedirs(folder, exist_ok=True)
    base = os.path.join(folder, f"{day}-{report.shape(machine)}")
    versions = {name: version(name) for name in [*options.servers, "wrk"]}
    document = {"date": day, "host": machine, "loadAtTheEnd": os.getloadavg(), "versions": versions, "rounds": options.rounds,
                "secondsPerRound": options.seconds, "results": results}
    with open(base + ".json", "w") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    with open(base + ".md", "w") as file:
        file.write(tables + "\n")
    print(f"\nwritten: {os.path.relpath(base, ROOT)}.json and .md", file=sys.stderr)
    if options.is_whole:
        title = (f"{day}, {machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}; "
                 f"{options.rounds} rounds of {options.seconds} s; "
                 + ", ".join(f"{TITLES[name]} {versions[name]}" for name in options.servers) + ".")
        report.insert(os.path.join(ROOT, "docs", "performance.md"), "bench", f"{title}\n\n{tables}")
        print("written: docs/performance.md", file=sys.stderr)


if __name__ == "__main__":
    main()
