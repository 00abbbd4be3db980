"""Long runs that look for faults: under sanitizers, by fuzzing, over all numbers, at the greatest sizes."""
