"""Where compiled code finds headers and libraries."""

import os
import re

HERE = os.path.dirname(os.path.realpath(__file__))
PKG_CONFIG = os.path.join(HERE, "lib", "pkgconfig")
DIRECTORY = "--pkgconfigdir"
OPTIONS = {
    "--cflags": "print what to compile C or C++ with",
    "--libs": "print what to link C or C++ with; both may be given",
    DIRECTORY: "print the directory of lse.pc, for pkg-config",
}


def get_include() -> str:
    """Return the directory of the C headers ``lse/lse.h`` and ``lse/capsule.h``.

    Returns
    -------
    str
        The directory to pass to a compiler by ``-I``, or to `setuptools.Extension` in ``include_dirs``.

    Notes
    -----
    Extensions in C get the functions from ``lse/capsule.h`` and link nothing. Extensions in Cython use
    ``cimport lse`` and do not need this directory. Programs without Python get their flags from
    ``python -m lse --cflags --libs``, or from pkg-config in the directory that ``python -m lse --pkgconfigdir``
    prints.

    Examples
    --------
    >>> import os
    >>> import lse
    >>> os.path.exists(os.path.join(lse.get_include(), "lse", "lse.h"))
    True
    """
    return os.path.join(HERE, "include")


def answer(options: list[str]) -> str:
    """Return what the command line prints for the options; raise ValueError if there are others."""
    for option in options:
        if option not in OPTIONS or (option == DIRECTORY and set(options) != {DIRECTORY}):
            raise ValueError(f"{option}: --cflags and --libs go with nothing but each other, {DIRECTORY} stands alone")
    if options[0] == DIRECTORY:
        return PKG_CONFIG
    import shlex  # slow to import

    return " ".join(shlex.quote(word) for option in dict.fromkeys(options) for word in words(option[2:].capitalize()))


def words(field: str) -> list[str]:
    """Return the words of a field of lse.pc, such as Libs."""
    variables: dict[str, str] = {"pcfiledir": PKG_CONFIG}
    fields: dict[str, str] = {}
    with open(os.path.join(PKG_CONFIG, "lse.pc"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line in lines:
        if match := re.fullmatch(r"(\w+)(=|: )(.*)", line):
            name, kind, text = match.groups()
            (variables if kind == "=" else fields)[name] = text
    return [expand(word, variables) for word in fields[field].split()]


def expand(word: str, variables: dict[str, str]) -> str:
    """Substitute variables, which may contain others."""
    while match := re.search(r"\$\{(\w+)\}", word):
        word = word.replace(match[0], variables[match[1]])
    return word
