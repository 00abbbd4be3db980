"""Check the contents and the size of repaired wheels."""

import argparse
import fnmatch
import json
import sys
import zipfile

REQUIRED = [
    "lse/__init__.py",
    "lse/__init__.pxd",
    "lse/_core.*.so",
    "lse/_core.pxd",
    "lse/_core.pyi",
    "lse/py.typed",
    "lse/include/lse/lse.h",
    "lse/include/lse/capsule.h",
    "lse/lib/liblse.a",
    "lse/lib/pkgconfig/lse.pc",
    "logsumexp-*.dist-info/entry_points.txt",
]
FORBIDDEN = ["*.pyx", "*.pxi", "*.c", "*_engine.pxd", "*_lse_h.pxd", "*.pyc"]
FORBIDDEN += ["*/core/*", "*/engine/*", "*/kernels/*", "tests/*", "*/test_*"]
# Bytes without libgomp: 3600 KB, half of them the extension and half the static library. Nine tenths are the kernels:
# each instruction set has them for rows and panels of every operation, real and complex, unrolled for lengths up to 8.
# -O2 would save a quarter, but make a call on 8 doubles 13 % slower.
MAX_SIZE = 3800 << 10


def unlisted(wheel, names):
    """Return the libraries added by auditwheel that its software bill of materials, in CycloneDX, does not list."""
    added = {name.rpartition("/")[2].partition("-")[0] for name in names if fnmatch.fnmatch(name, "*.libs/*.so*")}
    bills = [json.loads(wheel.read(name)) for name in names if fnmatch.fnmatch(name, "*.dist-info/sboms/*.cdx.json")]
    listed = {component["name"] for bill in bills for component in bill["components"]}
    return [library for library in added if not any(name.startswith(library) for name in listed)]


def problems(path):
    """Yield the problems of one wheel."""
    with zipfile.ZipFile(path) as wheel:
        members = wheel.infolist()
        missing = unlisted(wheel, [member.filename for member in members])
    yield from (f"the bill of materials lacks {library}" for library in missing)
    names = [member.filename for member in members]
    yield from (f"{pattern} is missing" for pattern in REQUIRED if not fnmatch.filter(names, pattern))
    yield from (f"{name} should not be in the wheel" for p in FORBIDDEN for name in fnmatch.filter(names, p))
    size = sum(member.compress_size for member in members if "libgomp" not in member.filename)
    if size > MAX_SIZE:
        yield f"{size} bytes without libgomp, more than {MAX_SIZE}"
    print(f"{path}: {size} bytes without libgomp, {len(names)} files")


def main():
    """Print the problems of the given wheels; return 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", nargs="+")
    found = [f"{path}: {problem}" for path in parser.parse_args().wheels for problem in problems(path)]
    print(*found, sep="\n", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
