"""The digests of golden.txt, on every kernel and any number of threads. For other compilers: test_kernels.py."""

import pytest

import golden
import lse

pytestmark = pytest.mark.usefixtures("kernel")


@pytest.mark.parametrize("threads", [2, *(pytest.param(n, marks=pytest.mark.exhausts) for n in (1, 7))])
@pytest.mark.parametrize(
    "functions", [golden.IN_C, golden.IN_PYTHON, golden.OF_COMPLEX], ids=["in C too", "in Python", "complex"]
)
def test_golden(functions, threads):
    with lse.num_threads(threads):
        assert list(golden.lines(functions)) == golden.expected(functions)


def test_the_digests_see_one_bit():
    digests = [golden.Digest() for _ in range(4)]
    for digest, x in zip(digests, ([1.0, 2.0], [1.0, 2.0000000000000004], [2.0, 1.0], [1.0, 2.0]), strict=True):
        digest.add(x)
    assert len({str(d) for d in digests}) == 3
    assert str(digests[0]) == str(digests[3])
