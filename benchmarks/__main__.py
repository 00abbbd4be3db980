"""The command: ``python -m benchmarks``."""

import argparse
import importlib
import sys
from collections.abc import Callable

# a module for each: `arguments(parser)` adds its options, `run(options)` measures and prints
COMMANDS = {
    "sweep": "lengths from 1 to 32001, along rows and columns, against the best peer",
    "shapes": "images, tuples of axes, strides, types, masks and weights, against the same bytes in a plain shape",
    "products": "matrices of many shapes multiplied in log space, against the usual formula and a product",
    "groups": "groups of elements by labels, against NumPy's and torch's formulas, and sorted elements",
    "cliffs": "values and layouts that might cost many times the plain case",
    "calls": "a call on few elements, in empty calls and in a.max()",
    "small": "every kind of small call: elements, weights, masks, axes, dtypes, outputs; beside SciPy's",
    "ufuncs": "functions of one and two numbers, against those of NumPy and SciPy",
    "accuracy": "the worst errors beside peers, against mpmath",
    "torch": "functions of tensors with their gradients, against PyTorch's own",
    "report": "the figures of the pages, out of the files of other runs",
}


def parse(words: list[str]) -> tuple[Callable[[argparse.Namespace], None], argparse.Namespace]:
    """What to run, and its options; without a command it is `benchmarks.runs`."""
    name = words[0] if words and words[0] in COMMANDS else ""
    module = importlib.import_module(f"benchmarks.{name or 'runs'}")
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}".rstrip(),
        description=module.__doc__.partition(":")[0] + ".",
        epilog=None if name else "\n".join(["other commands:", *(f"  {k:<8}{v}" for k, v in COMMANDS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.arguments(parser)
    return module.run, parser.parse_args(words[1:] if name else words)


def main() -> None:
    """Run the command."""
    run, options = parse(sys.argv[1:])
    run(options)


if __name__ == "__main__":
    main()
