#!/usr/bin/env python3
"""How long `aloft deploy` takes to see whether the code in a folder changed, cold and warm.

Makes a folder of 60 000 files and 2 GB in 3 000 folders, most of them below `node_modules`, starts Aloft there, and times
`aloft deploy` of the unchanged folder, which ends as soon as the digest is known: "nothing would change". The first start
reads each byte; what follows asks only for the state of each file. One more file is then changed.

    Benchmarks/deploys/folder.py
    ALOFT_BINARY=.build/debug/aloft Benchmarks/deploys/folder.py --files 6000 --megabytes 200
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import stage

FILE = """version: 1
app: folder
services:
  web: {{command: [sleep, "100000"], listen: none}}
edge: {{listeners: [{{address: "127.0.0.1:{port}"}}], admin: off}}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=60_000)
    parser.add_argument("--megabytes", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", help="where to make it; default: the system's temporary folder")
    options = parser.parse_args()
    home = tempfile.mkdtemp(prefix="aloft-folder-", dir=options.folder)
    try:
        fill(home, options.files, options.megabytes)
        with open(f"{home}/aloft.yaml", "w") as file:
            file.write(FILE.format(port=stage.free_port()))
        # Nothing is too young to be remembered.
        time.sleep(3)
        cold = timed(home, "up", "--detach")
        try:
            warm = [timed(home, "deploy", "--no-wait", fails=True) for _ in range(options.rounds)]
            with open(f"{home}/src/f0", "ab") as file:
                file.write(b"x")
            plan = timed(home, "plan", "--json")
        finally:
            run(home, "down")
        print(f"{options.files} files, {options.megabytes} MB, {stage.binary_kind()} binary")
        print(f"first start, each byte read: {cold:.2f} s")
        print(f"deploy of an unchanged folder: median {statistics.median(warm):.2f} s, slowest {max(warm):.2f} s")
        print(f"plan after one file changed: {plan:.2f} s")
    finally:
        shutil.rmtree(home)


def fill(home, files, megabytes):
    size = megabytes * 1_000_000 // files
    block = os.urandom(size)
    for index in range(files):
        package = index // 20
        folder = f"{home}/src" if package == 0 else f"{home}/node_modules/package-{package // 10}/lib-{package % 10}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/f{index}", "wb") as file:
            file.write(index.to_bytes(8, "big") + block[8:])


def timed(home, *words, fails=False):
    began = time.monotonic()
    said = run(home, *words)
    took = time.monotonic() - began
    if (said.returncode != 0) != fails:
        raise SystemExit(f"aloft {' '.join(words)}: {said.returncode}\n{said.stdout}{said.stderr}")
    return took


def run(home, *words):
    return subprocess.run([os.path.abspath(stage.binary()), *words], cwd=home, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
