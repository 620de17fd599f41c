"""Many patients at once: what an EHR exports in bulk."""
