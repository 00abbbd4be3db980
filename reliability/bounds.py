"""What docs/accuracy.md promises, and the greatest errors seen of it in millions of rows."""

from collections.abc import Iterator
from pathlib import Path

import native
from reliability.other_dtypes import lines_of_other_dtypes
from reliability.seen import Seen, all_of, compiled, spans
from reliability.tables import Table
from reliability.witnesses import Case

# a function of reductions.c: how the documentation calls it, and what it promises
PROMISES = {
    "logsumexp": ("`logsumexp`", "max(1 ulp(y), {eps})"),
    "logsumexp_tail": ("`logsumexp` where the maximum is 0, so that the tail alone is the result", "2 ulp(y)"),
    "weighted": ("`logsumexp` with weights ≥ 0", "as without"),
    "signed": (
        "`logsumexp` with weights of either sign, the sum S = Σ b eᵃ",
        "4 · {half} of Σ |b| eᵃ, and 1 ulp of the log",
    ),
    "softmax": ("`softmax`", "4 ulp of each element"),
    "log_softmax": ("`log_softmax`", "max(1 ulp, {eps})"),
    "logcumsumexp": ("`logcumsumexp`, every prefix", "as `logsumexp`"),
    "logcumsumexp_tail": ("`logcumsumexp`, prefixes whose maximum is 0", "5 ulp(y)"),
}
DTYPES = {"float64": ("2⁻⁵²", "2⁻⁵³"), "float32": ("2⁻²³", "2⁻²⁴")}
NOTE = (
    "Greatest errors seen, as fractions of what is promised: of rows of normally distributed elements, and of rows of "
    "any kind, with the kind that has it."
)


def lines_and_failures(seen: Seen, program: Path) -> tuple[list[list[str]], list[str]]:
    """Lines of the table, and what is beyond the promises; mpmath has to agree on the worst row of each kind."""
    lines, failures = [], []
    for function, (call, promise) in PROMISES.items():
        for dtype, (eps, half) in DTYPES.items():
            errors = {}
            for name, (error, witness) in seen.greatest.items():
                if name.split(",")[:2] != [function, dtype]:
                    continue
                kind, case = name.split(",")[2], int(float.fromhex(witness))
                errors[kind] = error
                failures += disagreement(program, function, kind, case, error)
                if not error <= 1:
                    failures.append(f"{name}: {error} times what is promised, in case {case}")
            worst = max(errors, key=lambda kind: errors[kind])
            lines.append(
                [
                    f"{call}, {dtype}",
                    promise.format(eps=eps, half=half),
                    f"{errors['normal']:.2f}",
                    f"{errors[worst]:.2f} ({worst.replace('_', ' ')})",
                    f"{seen.count[f'{function},{dtype}'][0]:,}",
                ]
            )
    return lines, failures


def disagreement(program: Path, function: str, kind: str, case: int, error: float) -> Iterator[str]:
    """Yield a failure where the error that the program tells is not the one that mpmath finds."""
    if error == 0:
        return
    exact = Case(native.output([program, "show", case])).error(function)
    if not abs(error - exact) <= 1e-6 * (1 + exact):
        yield f"{function}, {kind}: the error of case {case} is {exact}, not {error}"


def bounds(folder: Path, reductions: int, samples: int) -> tuple[Table, list[str]]:
    """Measure all of it; what is beyond the promises comes beside the table."""
    program = compiled(folder, "reductions", native.engine(folder))
    seen = all_of(program, spans(0, reductions))
    lines, failures = lines_and_failures(seen, program)
    wrong, witness = seen.count["not_cancelled"]
    if wrong:
        failures.append(f"{wrong} sums that cancel exactly are not 0, the first in case {witness}")
    unlike, witness = seen.count["unlike"]
    if unlike:
        failures.append(f"{unlike} columns have other bits than the row, the first in case {witness}")
    others, more = lines_of_other_dtypes(samples)
    columns = ["", "promised", "normal rows", "all kinds", "results looked at"]
    return Table("bounds", columns, lines + others, NOTE), failures + more
