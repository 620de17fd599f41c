"""What goes into the chart: response, observations, provenance, and the submission they belong to (pure)."""
