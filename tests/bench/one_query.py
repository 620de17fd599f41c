"""Run one DuckDB query and print its CPU seconds and the peak memory of this process in megabytes."""

import sys
from pathlib import Path
from time import process_time

import duckdb


def main(query: str) -> None:
    """Measure a query in the CPU seconds of all its threads, which other work on the machine does not stretch."""
    # In any order, so that no row has to wait in memory for its turn.
    database = duckdb.connect(config={"preserve_insertion_order": False})
    began = process_time()
    database.execute(query).fetchall()
    took = process_time() - began
    # Not getrusage: its peak begins with that of the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    sys.stdout.write(f"{took} {int(status['VmHWM'].split()[0]) / 1024}\n")


if __name__ == "__main__":
    main(sys.argv[1])
