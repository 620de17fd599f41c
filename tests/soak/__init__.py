"""Long runs: what `make test` has no time for."""
