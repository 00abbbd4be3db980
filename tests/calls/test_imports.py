"""Are all modules that lse needs seen by tools that read its source, as those that freeze programs do?"""

import modulefinder
import sys
from importlib import metadata

from checks import fresh

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
print(*(name for name in set(sys.modules) - before if sys.modules[name].__spec__))  # Cython has some of its own
"""


def test_imports_are_in_the_source(tmp_path):
    (tmp_path / "program.py").write_text("import lse\n")
    others = metadata.packages_distributions().keys() - {"lse"}  # some are laid out as modulefinder cannot read
    finder = modulefinder.ModuleFinder(path=sys.path, excludes=others)
    finder.run_script(str(tmp_path / "program.py"))
    loaded = {name for name in fresh(CALLS).split() if name.partition(".")[0] != "numpy"}
    assert {"lse", "lse._core", "lse._reductions"} <= loaded
    assert sorted(loaded - finder.modules.keys()) == []
