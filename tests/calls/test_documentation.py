"""Do the examples of the docstrings, the README and the documentation pages work?"""

import doctest
import inspect
import operator
import re

import pytest

import lse
from checks import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NEEDS = {"dask": "lse.dask", "numba": "lse.numba", "torch": "lse.torch"}  # pages about modules of their own
USES = {"groups": "pandas"}  # pages with examples that use one
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def run(text, name, path):
    """Run examples one after the other, like a reader who types them all in."""
    test = doctest.DocTestParser().get_doctest(text, {}, name, str(path), 0)
    failures = []
    doctest.DocTestRunner(verbose=False).run(test, out=failures.append)
    assert not failures, "".join(failures)
    return len(test.examples)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages(path):
    if path.stem in NEEDS:
        pytest.importorskip(NEEDS[path.stem])
    if path.stem in USES:
        pytest.importorskip(USES[path.stem])
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    run("\n".join(block for block in blocks if block.startswith(">>>")), path.name, path)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_import_nothing_private(path):
    code = "\n".join(BLOCK.findall(path.read_text(encoding="utf-8")))
    assert not re.findall(r"^.*(?:\blse\._[a-z]|from lse\S* import .*\b_).*$", code, re.MULTILINE)


@pytest.mark.parametrize("name", ["README", "start", "mixtures", "hidden_markov", "nested_sampling", "groups", "scipy"])
def test_the_pages_have_examples(name):
    path = next(path for path in PAGES if path.stem == name)
    assert path.read_text(encoding="utf-8").count("\n>>> ") >= 5


def documented(module):
    """The names of a module's functions, classes and methods."""
    for name in module.__all__:
        thing = getattr(module, name)
        if callable(thing):
            yield name
        if inspect.isclass(thing):
            yield from (f"{name}.{key}" for key in vars(thing) if key[0] != "_" and callable(getattr(thing, key)))


def run_docstring(module, name):
    assert run(inspect.getdoc(operator.attrgetter(name)(module)), name, module.__name__) >= 1


@pytest.mark.parametrize("name", list(documented(lse)))
def test_docstrings(name):
    run_docstring(lse, name)


@pytest.mark.parametrize("module", NEEDS.values())
def test_docstrings_of_modules_for_other_libraries(module):
    module = pytest.importorskip(module)
    names = list(documented(module))
    assert names
    for name in names:
        run_docstring(module, name)
