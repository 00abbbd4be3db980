"""Are all modules that lse needs seen by tools that read its source, and do frozen programs run?"""

import modulefinder
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import lse
from checks import fresh, skip_without

CALLS = """
import sys
import numpy as np
before = set(sys.modules)
import lse
a = np.linspace(-3, 3, 24).reshape(2, 3, 4)
for dtype in ("e", "f", "d", "g", "F", "D", "G", "i", "?", ">f8"):
    x = a.astype(dtype)
    for function in (lse.logsumexp, lse.logmeanexp, lse.softmax, lse.log_softmax):
        function(x, where=x != 0)
    lse.logsumexp(x, axis=(0, 2), b=x, return_sign=True)
    lse.logcumsumexp(x, axis=1)
    lse.segment_logsumexp(x, [0, 1, 1, 3], axis=1)
total = lse.LogSumExp.of(a, axis=0)
total.update(a, axis=0, b=a)
lse.LogSumExp.from_bytes((total + total).to_bytes()).value
with lse.num_threads(2):
    lse.logsumexp(np.zeros(300_000))
lse.show_config("dict"), lse.get_include()
try:
    lse.logsumexp(["x"])
except TypeError:
    pass
"""
MODULES = "print(*(name for name in set(sys.modules) - before if sys.modules[name].__spec__))"  # Cython has its own


def test_imports_are_in_the_source(tmp_path):
    (tmp_path / "program.py").write_text("import lse\n")
    others = metadata.packages_distributions().keys() - {"lse"}  # some are laid out as modulefinder cannot read
    finder = modulefinder.ModuleFinder(path=sys.path, excludes=others)
    finder.run_script(str(tmp_path / "program.py"))
    loaded = {name for name in fresh(CALLS + MODULES).split() if name.partition(".")[0] != "numpy"}
    assert {"lse", "lse._core", "lse._reductions"} <= loaded
    assert sorted(loaded - finder.modules.keys()) == []


# each takes the interpreter's arguments, and where the program then is
FREEZERS = {
    "PyInstaller": (["--log-level=WARN", "--distpath=frozen"], "frozen/program/program"),
    "cx_Freeze": (["--silent", "--target-dir=frozen", "--script"], "frozen/program"),
}


@pytest.mark.compiles
@pytest.mark.parametrize("name", FREEZERS)
def test_frozen_programs_run(name, tmp_path):
    skip_without(name)
    (tmp_path / "program.py").write_text(CALLS + "print(lse.logsumexp([1000, 1001, 1002]), lse.__file__)")
    options, program = FREEZERS[name]
    command = [sys.executable, "-m", name, *options, "program.py"]
    environment = {**os.environ, "PYTHONPATH": str(Path(lse.__file__).parents[1])}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    done = subprocess.run([tmp_path / program], cwd="/", env={}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    result, file = done.stdout.split()
    assert result == "1002.4076059644444"
    assert Path(file).is_relative_to(tmp_path)
