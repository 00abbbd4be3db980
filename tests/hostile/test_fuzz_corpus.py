"""Inputs of libFuzzer's corpus (`python -m reliability fuzz`), replayed with another compiler."""

import subprocess

import pytest

from checks import ROOT

RELIABILITY = ROOT / "reliability"
CORPUS = sorted(RELIABILITY.glob("corpus/*"))

pytestmark = [pytest.mark.compiles, pytest.mark.skipif(not CORPUS, reason="needs the sources")]


def test_the_corpus(watched_engine, tmp_path):
    sources = sorted(RELIABILITY.glob("fuzzing/*.c"))
    program = watched_engine.program(tmp_path, *sources, link=["-Wl,--wrap=lse_chosen"])
    done = subprocess.run([program, *CORPUS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) == len(CORPUS) > 100
