"""What was measured, as JSON and back."""

import json
import math

import numpy as np

from benchmarks.cases import Case
from benchmarks.measure import Key, Measured


def rounded(value: float) -> float | None:
    """Five digits; null where a contender sat a round out."""
    return None if math.isnan(value) else float(f"{value:.5g}")


def contender_record(measured: Measured, key: Key) -> dict:
    """One contender's times; `quiet` says in which rounds no others were at work."""
    name, threads = key
    median = measured.median(key)
    return {
        "name": name,
        "threads": threads or None,
        "median": rounded(median),
        "ns per element": rounded(median / measured.case.size * 1e9),
        "seconds": [rounded(one) for one in measured.seconds[key].tolist()],
        "quiet": measured.quiet[key].astype(int).tolist(),
    }


def as_json(results: list[Measured], environment: dict, arguments: dict, more: dict) -> str:
    """Everything measured, a case on each line."""
    cases = [
        {
            "case": measured.case.name,
            "elements": measured.case.size,
            "bytes": measured.case.moved,
            "of": measured.case.described(),
            "contenders": [contender_record(measured, key) for key in measured.seconds],
        }
        for measured in results
    ]
    parts = {"environment": environment, "arguments": arguments, **more}
    lines = [f"{json.dumps(key)}: {json.dumps(value, default=str)}" for key, value in parts.items()]
    lines.append('"cases": [\n{}\n]'.format(",\n".join(map(json.dumps, cases))))
    return "{" + ",\n".join(lines) + "}\n"


def measured_of(record: dict) -> Measured:
    """One case as it was measured."""
    found = dict(record["of"], shape=tuple(record["of"]["shape"]))
    keys = [(one["name"], one["threads"] or 0) for one in record["contenders"]]
    rounds = [[math.nan if x is None else x for x in one["seconds"]] for one in record["contenders"]]
    quiet = [one["quiet"] for one in record["contenders"]]
    return Measured(
        Case(**found),
        {key: np.array(x) for key, x in zip(keys, rounds, strict=True)},
        {key: np.array(x, bool) for key, x in zip(keys, quiet, strict=True)},
    )
