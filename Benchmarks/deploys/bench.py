#!/usr/bin/env python3
"""Deploys one release after another under a steady load, and counts every request that was not answered with 200.

Each combination of a strategy and a driver has a daemon of its own, with two replicas. `Tests/ScenarioTests/Apps/load.c`
asks at a fixed rate over kept-alive connections (request k is due at k / rate whatever became of those before it); each
tenth request of a connection is its last one. Nothing is asked a second time. Refused, reset, closed and cut-off
connections, 10 s without an answer, and every status but 200 count as lost.

Memory, threads and open files of the daemon are read under the same load after each deploy that counts (after some that
don't, which fill pools and caches); the table has the medians of the first five and of the last five.

    Benchmarks/deploys/bench.py                                 50 deploys each, 2000 requests a second, both drivers
    Benchmarks/deploys/bench.py --strategies canary --drivers process --deploys 10
    ALOFT_BINARY=.build/debug/aloft Benchmarks/deploys/bench.py --json results.json

Exits with 1 where a request was lost, a deploy failed or something was left behind.
"""

import argparse
import contextlib
import datetime
import json
import os
import shutil
import statistics
import sys
import tempfile

import stage

STRATEGIES = {
    "rolling": "{strategy: rolling}",
    "blueGreen": "{strategy: blueGreen, blueGreen: {keep: 0s}}",
    "canary": "{strategy: canary, steps: [{weight: 5%, for: 1s}, {weight: 50%, for: 1s}]}",
}
DRIVERS = ["process", "container"]


def main():
    options = arguments()
    if not os.access(stage.binary(), os.X_OK):
        raise SystemExit(f"{stage.binary()} is not there; `make build` builds it, or set ALOFT_BINARY")
    results = []
    for driver in options.drivers:
        if driver == "container" and not shutil.which(stage.ENGINE):
            print(f"containers are left out: there is no {stage.ENGINE}", file=sys.stderr)
            continue
        for strategy in options.strategies:
            results.append(measure(strategy, driver, options))
    print("\n" + table(results))
    if options.json:
        document = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                    "binary": stage.binary_kind(), "cores": os.cpu_count(), "results": results}
        with open(options.json, "w") as file:
            json.dump(document, file, indent=1)
            file.write("\n")
    return 1 if any(not is_good(result) for result in results) else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES), metavar="NAME")
    parser.add_argument("--drivers", nargs="+", choices=DRIVERS, default=DRIVERS, metavar="NAME")
    parser.add_argument("--deploys", type=int, default=50)
    parser.add_argument("--warm-up", type=int, default=5, help="deploys before those that are measured")
    parser.add_argument("--rate", type=int, default=2000, help="requests a second")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if min(options.deploys, options.rate, options.connections, options.replicas) < 1 or options.warm_up < 0:
        parser.error("numbers are at least 1, --warm-up at least 0")
    return options


def measure(strategy, driver, options):
    """All deploys of one strategy on one driver."""
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="aloft-deploys-")
        stack.callback(shutil.rmtree, folder)
        app = stack.enter_context(stage.App(folder, driver, STRATEGIES[strategy], options.replicas))
        load = stack.enter_context(stage.Load(folder, app.port, options.rate, options.connections))
        failed, times, samples = [], [], []
        for version in range(1, options.warm_up + options.deploys + 1):
            took, problem = app.deploy(version)
            if problem:
                failed.append(problem)
                print(f"  {problem}", file=sys.stderr)
            if version > options.warm_up:
                times.append(took)
                samples.append(app.sample())
        left = app.left_behind()
        counts = load.finish()
        result = {"strategy": strategy, "driver": driver, "deploys": options.deploys, "warmUp": options.warm_up,
                  "rate": options.rate, "connections": options.connections, "replicas": options.replicas,
                  "failedDeploys": failed, "leftBehind": left, "load": counts, "lostExamples": load.failures(),
                  "secondsPerDeploy": sum(times) / len(times), "samples": samples}
        print(line(result), flush=True)
        return result


def lost(result):
    """Without an answer, and with another one than 200."""
    counts = result["load"]
    return counts["failed"], counts["answered"] - counts["ok"]


def is_good(result):
    return lost(result) == (0, 0) and not result["failedDeploys"] and not result["leftBehind"]


def mebibytes(count):
    return f"{count / (1 << 20):.1f}"


def medians(samples):
    return {key: int(statistics.median(sample[key] for sample in samples)) for key in samples[0]}


def cells(result):
    counts, (unanswered, bad) = result["load"], lost(result)
    before, after = medians(result["samples"][:5]), medians(result["samples"][-5:])
    return [result["strategy"], result["driver"],
            f"{result['deploys'] - min(len(result['failedDeploys']), result['deploys'])}/{result['deploys']}",
            f"{result['secondsPerDeploy']:.2f}", str(counts["requests"]),
            f"{counts['requests'] / counts['seconds']:.0f}", str(unanswered), str(bad), f"{counts['p50']:.1f}",
            f"{counts['p99']:.1f}", f"{counts['max']:.0f}",
            f"{mebibytes(before['memory'])} → {mebibytes(after['memory'])}",
            f"{mebibytes(before['resident'])} → {mebibytes(after['resident'])}", f"{before['files']} → {after['files']}",
            f"{before['threads']} → {after['threads']}", str(len(result["leftBehind"]))]


TITLES = ["strategy", "driver", "deploys", "s each", "requests", "req/s", "connection errors", "not 200", "p50 ms",
          "p99 ms", "max ms", "own MiB", "resident MiB", "open files", "threads", "left behind"]


def line(result):
    return "  ".join(f"{title}: {cell}" for title, cell in zip(TITLES, cells(result)))


def table(results):
    rows = [TITLES, ["---"] * len(TITLES)] + [cells(result) for result in results]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
