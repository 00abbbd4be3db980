"""Long runs that look for bugs: under sanitizers and valgrind, by fuzzing, over all numbers."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "helpers"))
