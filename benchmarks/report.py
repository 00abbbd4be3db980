"""The figures of the pages, out of the files of other runs: ``python -m benchmarks report runs.json sweep.json``."""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.accuracy import show as show_error
from benchmarks.files import measured_of
from benchmarks.measure import Measured, multiple
from benchmarks.slower import slower_layouts, slower_lengths
from benchmarks.tables import duration

BEGIN = "<!-- figures: written by python -m benchmarks report -->"
END = "<!-- end of figures -->"
KINDS = ("1-D out of cache", "rows of 8", "rows", "columns", "short rows", "short columns", "softmax", "image")
NAMES = {"NumPy": "NumPy by hand", "a.max()": "`a.max()`"}
# operation, type, shape and axis of the cases of a brief report, and the contenders
BRIEF = [
    ("logsumexp", "float32", (1_000_000, 8), 1),
    ("logsumexp", "float64", (100_000, 128), 1),
    ("logsumexp", "float32", (32_000, 1000), 0),
    ("logsumexp", "float32", (100_000_000,), 0),
    ("softmax", "float32", (100_000, 128), 1),
    ("softmax", "float64", (20_000, 50), 1),
    ("log_softmax", "float64", (100_000, 128), 1),
]
BRIEFLY = ("lse", "torch", "SciPy")
CALL = 8  # numbers
CALLED = ("a.max()", "jax", "NumPy", "torch", "SciPy")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what --json of other commands has written")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put it between the marks in this file")
    parser.add_argument(
        "--brief", action="store_true", help="a short table, with errors if accuracy is among the files"
    )
    parser.add_argument("--on", metavar="TEXT", help="the machine in your words (default: in those of the first file)")


def power(n: int) -> str:
    """3000000 as 3·10⁶."""
    digits = str(n).rstrip("0")
    zeros = len(str(n)) - len(digits)
    if zeros < 5 or len(digits) > 1:
        return str(n)
    raised = f"10{str(zeros).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
    return raised if digits == "1" else f"{digits}·{raised}"


def title(measured: Measured) -> str:
    """The first cell of a row."""
    case = measured.case
    operation = "" if case.operation == "logsumexp" else f"{case.operation} "
    if len(case.shape) == 1:
        return f"{operation}{case.type_name}, {power(case.size)}"
    return f"{operation}{case.type_name} ({', '.join(map(power, case.shape))}), axis {case.axis}"


def key_of(measured: Measured) -> tuple:
    """As in BRIEF."""
    case = measured.case
    return case.operation, case.type_name, tuple(case.shape), case.axis or 0


def cell(measured: Measured, name: str, threads: int, ours: int) -> str:
    """Nanoseconds for an element and, of peers, how many times the time of lse."""
    if name == "read" and measured.case.operation != "logsumexp":
        name = "copy"
    key = (f"pure {name}" if name in ("read", "copy") else name, threads)
    if key not in measured.seconds:
        return ""
    text = f"{measured.median(key) / measured.case.size * 1e9:.2g}"
    if name == "lse":
        return f"**{text}**"
    if name in ("read", "copy"):
        return text
    return f"{text} ({multiple(measured.ratio(key, ('lse', ours)).median)})"


def columns(counts: list[int]) -> list[tuple[str, str, int, int]]:
    """Heading, contender, its threads and those of lse: first on the fewest threads, then on the most."""
    least, most = counts[0], counts[-1]
    found = [("read", "read", least, least), (f"**lse** {least} thread{'s' * (least > 1)}", "lse", least, least)]
    found += [("torch", "torch", least, least), ("NumPy by hand", "NumPy", 1, least), ("SciPy", "SciPy", 1, least)]
    if most > least:
        found += [(f"read, {most} threads", "read", most, most), (f"**lse** {most} threads", "lse", most, most)]
        found += [("torch", "torch", most, most)]
    return [*found, ("jax", "jax", 0, most)]


def table(results: list[Measured]) -> list[str]:
    """Large cases, a row each."""
    large = [measured for measured in results if measured.case.kind in KINDS]
    if not large:
        return []
    heads = columns(large[0].counts())
    lines = [["case", *(head for head, *_ in heads)], ["---"] * (len(heads) + 1)]
    lines += [[title(measured), *(cell(measured, *rest) for _, *rest in heads)] for measured in large]
    return ["".join(f"| {text} " for text in line) + "|" for line in lines]


def call(results: list[Measured]) -> list[str]:
    """What a call on a few numbers takes, float32 and float64."""
    found = [one for one in results if (one.case.kind, one.case.size) == ("small", CALL)]
    found = [one for one in found if one.case.operation == "logsumexp"]
    if not found:
        return []
    times: dict[str, list[float]] = {}
    for measured in found:
        for name, threads in measured.seconds:
            times.setdefault(name, []).append(float(f"{measured.median((name, threads)) * 1e9:.2g}"))
    ours = " to ".join(f"{one:.0f}" for one in sorted({min(times["lse"]), max(times["lse"])}))
    others = [f"{NAMES.get(name, name)} {max(times[name]):.0f}" for name in CALLED if name in times]
    return [f"A call on {CALL} numbers takes {ours} ns; {', '.join(others)}.", ""]


def introduction(environment: dict[str, str], on: str | None) -> list[str]:
    """What the figures are, and of which machine."""
    where = on or f"{environment['machine']} ({environment['kernel']})"
    peers = [
        f"{name} {environment[name].partition('+')[0]}" for name in ("torch", "jax", "SciPy") if name in environment
    ]
    return [
        "Nanoseconds per element, medians of one interleaved run on",
        f"{where}; {', '.join(peers)}.",
        '"read" only reads the array, or reads and writes it for softmax, with as many threads. In brackets: how many',
        "times the time of lse.",
        "",
    ]


def report(contents: list[dict], on: str | None = None) -> str:
    """The Markdown, with its marks."""
    results = [measured_of(one) for content in contents for one in content["cases"] if "kind" in one["of"]]
    best = [one for content in contents for one in content.get("best", ())]
    layouts = [one for content in contents for one in content.get("ratios", ())]
    lines = [BEGIN, *introduction(contents[0]["environment"], on)]
    if rows := table(results):
        lines += [*rows, ""]
    lines += call(results)
    lines += slower_lengths([one for one in results if one.case.kind == "swept"]) if best else []
    lines += slower_layouts(layouts) if layouts else []
    return "\n".join([*lines, END])


def brief_cell(measured: Measured, name: str, errors: dict[str, float]) -> str:
    """The time of a call by lse, and in times of it, that of another; with the error."""
    ours = ("lse", measured.counts()[0])
    key = (name, 1) if name == "SciPy" else (name, ours[1])
    if key not in measured.seconds:
        return ""
    text = duration(measured.median(key)) if key == ours else multiple(measured.ratio(key, ours).median)
    return f"{text}, {show_error(errors[name], measured.case.type_name)}" if name in errors else text


def brief_row(measured: Measured, errors: list[dict]) -> list[str]:
    """One case, with the worst errors of its function."""
    case = measured.case
    found = [one["ulp"] for one in errors if (one["function"], one["dtype"]) == (case.operation, case.type_name)]
    worst = {name: max(ulp[name] for ulp in found) for ulp in found for name in ulp}
    return [title(measured), *(brief_cell(measured, name, worst) for name in BRIEFLY)]


def brief_report(contents: list[dict], on: str | None = None) -> str:
    """A table of a few cases, with its marks: the time of lse, that of others in times of it, and errors."""
    results = [measured_of(one) for content in contents for one in content["cases"] if "kind" in one["of"]]
    errors = [one for content in contents for one in content.get("errors", ()) if one["kind"] != "sums near 1"]
    environment = contents[0]["environment"]
    rows = [
        brief_row(measured, errors) for measured in results if measured.case.kind in KINDS and key_of(measured) in BRIEF
    ]
    lines = [["case", "**lse**", *BRIEFLY[1:]], ["---"] * (len(BRIEFLY) + 1), *rows]
    peers = " and ".join(f"{name} {environment[name].partition('+')[0]}" for name in BRIEFLY[1:] if name in environment)
    kinds = "; ".join(dict.fromkeys(one["kind"] for one in errors))
    note = [
        f"Time of one thread on {on or environment['machine']}, and of {peers} in times of it; worst error in",
        f'ulp, of {kinds} ("all": no digit is right).',
    ]
    return "\n".join([BEGIN, *("".join(f"| {text} " for text in line) + "|" for line in lines), "", *note, END])


def put(text: str, page: str) -> str:
    """The page with the text between its marks."""
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        sys.exit(f"there is no '{BEGIN}' before '{END}'")
    return before + text + after


def run(options: argparse.Namespace) -> None:
    """Print or write."""
    contents = [json.loads(path.read_text()) for path in options.files]
    if len({(one["environment"]["machine"], one["environment"]["kernel"]) for one in contents}) > 1:
        sys.exit("these files are of different machines or kernels")
    if any(one["arguments"]["quick"] for one in contents):
        print("some of these runs were too short to judge by (--quick)", file=sys.stderr)
    text = (brief_report if options.brief else report)(contents, options.on)
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        options.write.write_text(put(text, page), encoding="utf-8")
    else:
        print(text)
