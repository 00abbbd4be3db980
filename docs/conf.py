"""Sphinx: `python -m sphinx -W --keep-going -b html docs build/docs`. Pages load nothing from the network."""

import importlib
from pathlib import Path

import lse

project = "lse"
author = "the authors of lse"
project_copyright = "the authors of lse, BSD-3-Clause"
release = version = lse.__version__

extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser", "sphinx_design"]
default_role = "py:obj"  # of `names` in docstrings
templates_path = []
exclude_patterns = ["figures/*"]  # parts of pages


def importable(module):
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


# pages that stand in tables of contents but are not here, or are about modules that want another library
if not Path(__file__).with_name("embedding.md").exists():
    exclude_patterns += ["embedding.*"]
for module in ("dask", "numba", "torch"):
    if not importable(f"lse.{module}"):
        exclude_patterns += [f"{module}.*", f"api_{module}.*"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["toc.excluded"]  # the pages above

autodoc_typehints = "none"  # numpydoc has them
numpydoc_show_class_members = False
# all but: the summary on a line of its own; texts, examples, links that would say nothing; a noun in s taken for a verb
numpydoc_validation_checks = {"all", "GL01", "ES01", "EX01", "SA01", "SA04", "SS05"}
numpydoc_validation_exclude = {r"\._"}

html_theme = "furo"
html_title = f"lse {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_sphinx = False
