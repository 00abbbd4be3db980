"""Whether the machine has room for us."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

LOAD = Path("/proc/loadavg")


def others() -> int:
    """How many threads other than the caller run, or would, at this moment; 0 where the system does not tell."""
    try:
        return int(LOAD.read_text().split()[3].split("/")[0]) - 1
    except (OSError, ValueError, IndexError):
        return 0


@dataclass
class Calm:
    """Waits for others to leave as many processors free as a sample wants, in all no longer than `patience`."""

    patience: float
    samples: int = 0
    crowded: int = 0

    def wait(self, threads: int) -> bool:
        """Return whether there is room."""
        self.samples += 1
        processors = os.cpu_count() or 1
        wanted = min(threads, processors)
        while others() + wanted > processors:
            if self.patience <= 0:
                self.crowded += 1
                return False
            time.sleep(0.02)
            self.patience -= 0.02
        return True
