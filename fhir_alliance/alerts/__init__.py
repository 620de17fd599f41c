"""An answer that may reveal danger reaches somebody: opened with it, told by mail, acknowledged in the chart."""
