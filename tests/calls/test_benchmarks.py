"""Do the commands of the benchmarks work? No test depends on their measurements."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

from checks import ROOT

pytestmark = [
    pytest.mark.waits,
    pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not here"),
]
QUICKLY = ("--quick", "--wait", "0", "--rounds", "3")


def started(*words):
    """Run a command of the benchmarks to its end."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "benchmarks", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", timeout=300)


def command(*words):
    """The output of a command."""
    done = started(*words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def cases_of(path):
    """The results in a command's file: the libraries measured, by case."""
    content = json.loads(path.read_text())
    return {one["case"]: {each["name"] for each in one["contenders"]} for one in content["cases"]}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files written by a tiny run of each command."""
    folder = tmp_path_factory.mktemp("benchmarks")
    runs = {
        "runs": ("--threads", "1", "--only", "^f(32|64) n=8$|^f32 .*x8 axis 1$"),
        "sweep": (
            "sweep",
            "--threads",
            "1",
            "--seed",
            "5",
            "--elements",
            "1e3",
            "--only",
            "softmax f32 (rows|columns) n=(3|17)$",
        ),
        "shapes": ("shapes", "--only", r"(softmax|logsumexp) float32 (20000x50 axis 1 b$|3x512x512|\(2,\))"),
        "calls": ("calls", "--only", "n=3$"),
        "ufuncs": ("ufuncs", "--only", "log(add|1p)exp f32"),
        "products": ("products", "--threads", "1", "--only", "f32 8x8x8"),
        "groups": ("groups", "--threads", "1", "--only", "f64 logsumexp 1e.04 in 10"),
        "cliffs": ("cliffs", "--only", "^(far|mask|empty).*float32 (rows n=8|segments)"),
    }
    if importlib.util.find_spec("matplotlib") is not None:
        runs["sweep"] += ("--plot", folder / "sweep.png")
    for name, words in runs.items():
        path = folder / f"{name}.json"
        path.with_suffix(".txt").write_text(command(*words, *QUICKLY, "--json", path))
    return folder


def test_sweep(files):
    printed = (files / "sweep.txt").read_text()
    assert "drawn with --seed 5" in printed
    assert re.search(r"^softmax +f32 +columns +1 +[\d.]+~? +(3|17) +\w+ +[\d.]+ +\d +2$", printed, re.MULTILINE)
    measured = cases_of(files / "sweep.json")
    assert {"softmax f32 rows n=3", "log_softmax f32 columns n=17"} <= set(measured)
    assert all({"lse", "NumPy"} <= who for who in measured.values())


def test_the_seed_decides_what_is_drawn():
    first, again, other = (command("sweep", "--list", "--seed", seed) for seed in (1, 1, 2))
    assert first == again != other


def test_shapes(files):
    ratios = json.loads((files / "shapes.json").read_text())["ratios"]
    assert len(ratios) >= 6
    assert all(one["x peer"] > 0 and one["x plain"] > 0 for one in ratios)


def test_calls(files):
    assert "Up to 16 elements" in (files / "calls.txt").read_text()
    assert all({"lse", "a.max()"} <= who for who in cases_of(files / "calls.json").values())


def test_small():
    printed = command("small", "--rounds", "1", "--only", "^(logsumexp (float64|list) b=|LogSumExp.of 0-d$)")
    assert re.search(r"^ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+  (logsumexp|LogSumExp.of) ", printed, re.MULTILINE)
    assert re.search(r"^\d+ calls, \d+ of them longer than their limit", printed, re.MULTILINE)


def test_ufuncs(files):
    assert "x peer" in (files / "ufuncs.txt").read_text()
    assert all(who == {"lse", "peer"} for who in cases_of(files / "ufuncs.json").values())


def test_accuracy():
    """Small errors of lse, whatever the kind; all digits lost by the formula in some."""
    lines = command("accuracy", "--rows", "2").splitlines()
    table = {line[:42].strip(): line[42:].split() for line in lines[1:] if line.startswith(("log", "soft"))}
    assert len(table) == 24
    assert all(float(errors[0]) < 3 for name, errors in table.items() if "sums near 1" not in name)
    assert table["logsumexp float64, 0, and far below it"][1] == "all"


def test_torch(tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "torch.json"
    assert "x torch" in command("torch", "--only", "softmax|entropy", *QUICKLY, "--json", path)
    assert all(who == {"lse", "torch"} for who in cases_of(path).values())


def test_products_and_groups(files):
    """Beside the formula of NumPy, and both in their files."""
    for name, peer in (("products", "formula"), ("groups", "numpy")):
        assert "worst: " in (files / f"{name}.txt").read_text()
        assert all({"lse", peer} <= who for who in cases_of(files / f"{name}.json").values())


def test_peers_have_no_more_instructions_than_lse():
    program = "import benchmarks, os; print(os.environ['ATEN_CPU_CAPABILITY'])"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LSE_KERNELS": "avx2"}
    env.pop("ATEN_CPU_CAPABILITY", None)
    assert subprocess.check_output([sys.executable, "-c", program], env=env, text=True) == "avx2\n"


def test_cliffs(files):
    printed = (files / "cliffs.txt").read_text()
    assert re.search(r"^far: softmax float32 rows n=8 below +1 +[\d.]+ +[\d.]+~? +2.00", printed, re.MULTILINE)
    assert "are over their limit." in printed


def test_report(files, tmp_path):
    page = tmp_path / "page.md"
    page.write_text((ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8"), encoding="utf-8")
    names = [files / f"{name}.json" for name in ("runs", "sweep", "shapes")]
    printed = command("report", *names, "--on", "a machine")
    assert "Nanoseconds per element, medians of one interleaved run on\na machine;" in printed
    assert "| float32 (10⁵, 8), axis 1 |" in printed
    assert "A call on 8 numbers takes" in printed
    command("report", *names, "--on", "a machine", "--write", page)
    assert printed.strip() in page.read_text(encoding="utf-8")


def test_brief_report(files, tmp_path):
    page = tmp_path / "page.md"
    page.write_text((ROOT / "README.md").read_text(encoding="utf-8"), encoding="utf-8")
    command("accuracy", "--rows", "1", "--json", tmp_path / "accuracy.json")
    command("report", files / "runs.json", tmp_path / "accuracy.json", "--brief", "--on", "a machine", "--write", page)
    written = page.read_text(encoding="utf-8")
    assert "| case | **lse** | torch | SciPy |" in written
    assert "Time of one thread on a machine" in written


def test_picture(files):
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    assert (files / "sweep.png").stat().st_size > 1000


def test_unknown_case():
    done = started("calls", "--only", "no such")
    assert done.returncode == 1
    assert "--list" in done.stderr
