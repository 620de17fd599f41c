"""The demo: the real app beside the sandbox EHR, both as a person would run them."""
