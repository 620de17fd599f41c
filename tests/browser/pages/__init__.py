"""Each page in each state in a real browser, from sample values: no server, no network."""
