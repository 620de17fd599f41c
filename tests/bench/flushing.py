"""What one flush to the disk costs in a folder: the unit that durable work is measured in."""

import os
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

TIMES = 200


def flush_seconds(file: Path) -> float:
    """Return the median time of one flush after a write of a page."""
    times = []
    with file.open("wb", buffering=0) as opened:
        for _ in range(TIMES):
            opened.write(bytes(4096))
            began = perf_counter()
            os.fdatasync(opened.fileno())
            times.append(perf_counter() - began)
    return median(times)


if __name__ == "__main__":
    sys.stdout.write(str(flush_seconds(Path(sys.argv[1]))))
