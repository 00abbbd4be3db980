"""All that is public in Python by hypothesis: the checks of tests/hostile/fuzzing, in processes that may die."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

from reliability.tables import ROOT, TESTS, CheckError, Table

PACKAGE = ROOT / "src"
TURN = 100  # calls of each check before the next one has its turn
CHILD = f"import json, fuzzing; print(json.dumps(fuzzing.turns({{seconds}}, {TURN})))"


def arguments(parser: argparse.ArgumentParser) -> None:
    """How long, and in how many processes."""
    parser.add_argument("--seconds", type=int, default=600, help="how long (default: 600)")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side (default: 2)")


def run(options: argparse.Namespace) -> Iterator[Table]:
    """Let each process take turns at the checks until the time is up."""
    paths = os.pathsep.join([str(TESTS / "hostile"), str(PACKAGE), *sys.path])
    command = [sys.executable, "-X", "faulthandler", "-W", "error", "-c", CHILD.format(seconds=options.seconds)]
    environment = {**os.environ, "PYTHONPATH": paths}
    started = time.monotonic()
    children = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(options.jobs)
    ]
    calls: Counter[str] = Counter()
    answers = [(child, *child.communicate()) for child in children]
    for child, out, err in answers:
        if child.returncode:
            raise CheckError(f"a process ended with {child.returncode}:\n{err[-6000:]}")
        calls.update(json.loads(out.splitlines()[-1]))
    seconds = round(time.monotonic() - started)
    rows = [[name, f"{count:,}", "none"] for name, count in calls.items()]
    note = f"{sum(calls.values()):,} examples in {seconds} s on {options.jobs} processes."
    yield Table("fuzz_python", ["what is called", "examples", "findings"], rows, note)
