"""Run one DuckDB query and print its seconds and the peak memory of this process in megabytes."""

import sys
from pathlib import Path
from time import perf_counter

import duckdb


def main(query: str) -> None:
    """Measure a query; rows may come in any order, so that none has to wait in memory."""
    database = duckdb.connect(config={"preserve_insertion_order": False})
    began = perf_counter()
    database.execute(query).fetchall()
    took = perf_counter() - began
    # Not getrusage: its peak begins with that of the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    sys.stdout.write(f"{took} {int(status['VmHWM'].split()[0]) / 1024}\n")


if __name__ == "__main__":
    main(sys.argv[1])
