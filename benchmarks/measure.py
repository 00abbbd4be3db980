"""Timing in rounds: each round times every contender once, in a new order."""

import math
import os
import random
import time
import timeit
from dataclasses import dataclass

import numpy as np

from benchmarks.cases import Case
from benchmarks.contenders import OWN, Contender
from benchmarks.quiet import Calm

PAUSE = 0.01  # seconds; longer than the threads of any OpenMP runtime spin after their work
AT_LEAST = 3  # rounds that also the slowest takes part in, and undisturbed ones that suffice

Key = tuple[str, int]  # name and threads of a contender


@dataclass(frozen=True)
class Ratio:
    """Median of the ratios of all rounds, and their quartiles; `crowded` if others worked in most of the rounds."""

    median: float
    low: float
    high: float
    crowded: bool

    def __str__(self) -> str:
        return f"{show(self.median)} ({show(self.low)}-{show(self.high)}){'~' if self.crowded else ''}"

    @property
    def brief(self) -> str:
        """Without the quartiles."""
        return f"{show(self.median)}{'~' if self.crowded else ''}"


@dataclass(frozen=True)
class Effort:
    """How much to measure: rounds, seconds that a sample should last, and seconds after which one sits out."""

    rounds: int
    sample: float
    patience: float


@dataclass
class Measured:
    """Of one case, by contender and threads: seconds that an operation took in each round, NaN where it sat out.

    `quiet` says in which rounds no others were at work.
    """

    case: Case
    seconds: dict[Key, np.ndarray]
    quiet: dict[Key, np.ndarray]

    def median(self, key: Key) -> float:
        """Seconds."""
        quiet = self.seconds[key][self.quiet[key]]
        return float(np.nanmedian(quiet if np.isfinite(quiet).sum() >= AT_LEAST else self.seconds[key]))

    def ratio(self, over: Key, under: Key) -> Ratio | None:
        """Of two contenders' times in the rounds that both took part in, undisturbed if these are enough."""
        if over not in self.seconds or under not in self.seconds:
            return None
        ratios = self.seconds[over] / self.seconds[under]
        quiet = self.quiet[over] & self.quiet[under] & np.isfinite(ratios)
        crowded = quiet.sum() < AT_LEAST
        low, median, high = np.nanpercentile(ratios if crowded else ratios[quiet], (25, 50, 75))
        return Ratio(float(median), float(low), float(high), bool(crowded))

    def counts(self) -> list[int]:
        """Of threads that lse was measured with, ascending."""
        return sorted(threads for name, threads in self.seconds if name == "lse")

    def rival_count(self, threads: int) -> int:
        """The count at which lse is compared with a contender of so many threads."""
        counts = self.counts()
        if threads == OWN:
            return counts[-1]
        return threads if threads in counts else counts[0]


def show(value: float) -> str:
    """Three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def multiple(value: float) -> str:
    """How many times as long."""
    return f"{value:.{1 if value < 9.95 else 0}f}\N{MULTIPLICATION SIGN}"


def geometric_mean(values: list[float]) -> float:
    """Of ratios."""
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def sample(contender: Contender, number: int, calm: Calm) -> tuple[float, bool]:
    """Seconds for one operation, as the mean of `number`, after a pause in which all others fall asleep."""
    timer = timeit.Timer(contender.statement, globals=contender.names)
    contender.prepare()
    time.sleep(PAUSE)
    quiet = calm.wait(contender.threads or os.cpu_count() or 1)
    if number > 1:
        timer.timeit(1)  # the pause has put our own threads to sleep too
    return timer.timeit(number) / number, quiet


def calibrate(contender: Contender, wanted: float) -> int:
    """How many operations last so many seconds; also compiles what compiles itself, and touches all memory."""
    timer = timeit.Timer(contender.statement, globals=contender.names)
    contender.prepare()
    timer.timeit(1)
    number = 1
    while True:
        lasted = timer.timeit(number)
        if lasted >= wanted / 4:
            return max(1, math.ceil(number * wanted / lasted))
        number *= 4 if lasted > wanted / 100 else 20


def measure(case: Case, field: list[Contender], effort: Effort, calm: Calm) -> Measured:
    """All rounds of one case."""
    keys = [(contender.name, contender.threads) for contender in field]
    numbers = [calibrate(contender, effort.sample) for contender in field]
    seconds = {key: np.full(effort.rounds, np.nan) for key in keys}
    quiet = {key: np.zeros(effort.rounds, bool) for key in keys}
    order = list(range(len(field)))
    shuffle = random.Random(1).shuffle
    for i in range(effort.rounds):
        shuffle(order)
        for j in order:
            if i < AT_LEAST or np.nansum(seconds[keys[j]]) * numbers[j] < effort.patience:
                seconds[keys[j]][i], quiet[keys[j]][i] = sample(field[j], numbers[j], calm)
    return Measured(case, seconds, quiet)
