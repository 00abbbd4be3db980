"""lse side by side with its peers and with the limits of the machine: ``python -m benchmarks``."""
