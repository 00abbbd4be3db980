"""Functions of tensors with their gradients, against PyTorch's own: ``python -m benchmarks torch``."""

import argparse
import sys
from dataclasses import asdict, dataclass

from benchmarks import tables
from benchmarks.contenders import Contender, installed
from benchmarks.measure import Effort, Measured, show
from benchmarks.session import Session, share

NOTE = """\
x torch: time of torch / time of lse.torch, forward, and forward and backward together. cross_entropy is
F.cross_entropy, against logsumexp less the element of the target. (~: others were at work)"""
FUNCTIONS = ("logsumexp", "softmax", "log_softmax", "logcumsumexp")
SHAPES = (((4, 10), 1), ((900, 7000), 1), ((30_000, 150), 1), ((500_000, 10), 1), ((7000, 900), 0))


@dataclass(frozen=True)
class Call:
    """A function along an axis of float32 of some shape, alone or with its gradient."""

    function: str
    shape: tuple[int, int]
    dim: int
    backward: bool

    @property
    def name(self) -> str:
        """As in `--only` and in the table."""
        passes = "forward and backward" if self.backward else "forward"
        return f"{self.function} {'x'.join(map(str, self.shape))} dim {self.dim} {passes}"

    @property
    def size(self) -> int:
        """Elements."""
        return self.shape[0] * self.shape[1]

    @property
    def moved(self) -> int:
        """Bytes that must pass."""
        return self.size * 4 * (2 if self.backward else 1)

    def described(self) -> dict:
        """What makes the same case again."""
        return asdict(self)

    def calls(self) -> tuple:
        """The function of lse and that of torch, with the same arguments."""
        import torch

        import lse.torch

        x = torch.randn(self.shape, generator=torch.Generator().manual_seed(20250), requires_grad=self.backward)
        if self.function == "cross_entropy":
            target = torch.arange(self.shape[0]) * 7919 % self.shape[1]
            ours = lambda: (lse.torch.logsumexp(x, 1) - x.gather(1, target[:, None])[:, 0]).mean()  # noqa: E731
            theirs = lambda: torch.nn.functional.cross_entropy(x, target)  # noqa: E731
        else:
            of_lse, of_torch = (getattr(module, self.function) for module in (lse.torch, torch))
            ours, theirs = lambda: of_lse(x, self.dim), lambda: of_torch(x, self.dim)
        if not self.backward:
            return ours, theirs
        grad = torch.ones_like(theirs())
        return tuple(lambda f=f: torch.autograd.grad(f(), x, grad) for f in (ours, theirs))


def cases(quick: bool) -> list[Call]:
    """Every function, with and without its gradient."""
    shapes = SHAPES[:1] if quick else SHAPES
    every = [Call(name, shape, dim, backward) for name in FUNCTIONS for shape, dim in shapes
             for backward in (False, True)]  # fmt: skip
    return [*every, Call("cross_entropy", (8, 320) if quick else (8192, 32000), 1, True)]


def field_of(case: Call, threads: int) -> list[Contender]:
    """lse and torch."""
    import torch

    import lse

    def prepare() -> None:
        lse.set_num_threads(threads)
        torch.set_num_threads(threads)

    return [
        Contender(name, threads, "f()", {"f": f}, prepare)
        for name, f in zip(("lse", "torch"), case.calls(), strict=True)
    ]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    share(parser, "2")


def row(measured: Measured, threads: int) -> tuple[str, ...]:
    """One case."""
    us = measured.median(("lse", threads)) * 1e6
    return measured.case.name, str(threads), show(us), str(measured.ratio(("torch", threads), ("lse", threads)))


def run(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    if not installed()["torch"]:
        sys.exit("torch is not installed")
    session = Session(options)
    effort = Effort(options.rounds or (3 if options.quick else 9), 0.002 if options.quick else 0.01, 5.0)
    results = []
    for case in session.wanted(cases(options.quick)):
        for threads in options.threads:
            results.append((session.measure(case, field_of(case, threads), effort), threads))
    head = ("case", "threads", "us", "x torch")
    print(*tables.aligned([head, *(row(*one) for one in results)], 1), NOTE, "", sep="\n")
    session.close([measured for measured, _ in results], {})
