"""What lse is held to: ratios that each case should reach."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.contenders import OWN
from benchmarks.measure import Key, Measured, Ratio

MOST = -1  # as many threads as were measured
ANY = -2  # each count of threads that was measured


@dataclass(frozen=True)
class Target:
    """The time of `over` divided by that of `under` should be at least, or at most, the bound.

    `threads` is that of lse, and of the other contender where `theirs` is None.
    """

    kinds: tuple[str, ...]
    over: str
    under: str
    bound: float
    at_most: bool = False
    threads: int = ANY
    theirs: int | None = None
    dtype: str = ""
    least_size: int = 0

    def wants(self, measured: Measured) -> bool:
        """Whether it speaks of this case."""
        case = measured.case
        return case.kind in self.kinds and self.dtype in ("", case.dtype) and case.size >= self.least_size

    def keys(self, measured: Measured) -> Iterator[tuple[int, Key, Key]]:
        """Threads of lse, and the contenders whose times are compared."""
        counts = measured.counts()
        if self.threads == MOST:
            counts = counts[-1:]
        elif self.threads != ANY:
            counts = [count for count in counts if count == self.threads]
        for count in counts:
            other = count if self.theirs is None else self.theirs
            over, under = (count if name == "lse" else other for name in (self.over, self.under))
            if self.over == self.under:
                over, under = other, count
            yield count, (self.over, over), (self.under, under)

    def met(self, ratio: Ratio) -> bool:
        """By the median."""
        return ratio.median <= self.bound if self.at_most else ratio.median >= self.bound

    @property
    def wording(self) -> str:
        """As in the table."""
        return f"{self.over} / {self.under} {'<=' if self.at_most else '>='} {self.bound:g}"


LARGE = ("1-D", "1-D out of cache", "rows", "rows of 8", "columns", "softmax")

TARGETS = [
    Target(("small",), "lse", "empty call", 2, at_most=True),
    Target(("small",), "lse", "a.max()", 0.1, at_most=True),
    Target(("1-D out of cache",), "pure read", "lse", 0.6, threads=1, dtype="f32"),
    Target(("1-D out of cache",), "pure read", "lse", 0.75, threads=2, dtype="f32"),
    Target(("1-D out of cache",), "pure read", "lse", 0.4, threads=1, dtype="f64"),
    Target(("1-D out of cache",), "pure read", "lse", 0.45, threads=2, dtype="f64"),
    Target(LARGE, "lse", "lse", 1.75, threads=2, theirs=1, least_size=10**7),
    Target(("1-D", "1-D out of cache"), "torch", "lse", 8, threads=2),
    Target(("1-D", "1-D out of cache"), "jax", "lse", 2.3, threads=MOST, theirs=OWN),
    Target(("rows",), "torch", "lse", 5),
    Target(("rows",), "jax", "lse", 2.3, threads=MOST, theirs=OWN),
    Target(("rows of 8",), "torch", "lse", 5),
    Target(("rows of 8",), "jax", "lse", 2.5, threads=MOST, theirs=OWN),
    Target(("columns",), "torch", "lse", 6),
    Target(("columns",), "jax", "lse", 1.5, threads=MOST, theirs=OWN),
    Target(("softmax",), "torch", "lse", 1.2),
    Target(("weighted", "masked"), "lse", "lse plain", 1.6, at_most=True),
    Target(("cumulated",), "lse", "plain twice and a write", 1, at_most=True),
    Target(("segments",), "lse", "lse plain", 1.2, at_most=True),
    Target(("streamed",), "lse", "lse plain", 1.1, at_most=True),
    Target(("ascending",), "lse", "lse random", 1.3, at_most=True),
]


@dataclass(frozen=True)
class Verdict:
    """One target on one case."""

    target: Target
    case: str
    threads: int
    ratio: Ratio
    met: bool


def verdicts(results: list[Measured]) -> Iterator[Verdict]:
    """Every target on every case that it speaks of, where both contenders took part."""
    for target in TARGETS:
        for measured in results:
            if not target.wants(measured):
                continue
            for threads, over, under in target.keys(measured):
                ratio = measured.ratio(over, under)
                if ratio is not None:
                    yield Verdict(target, measured.case.name, threads, ratio, target.met(ratio))
