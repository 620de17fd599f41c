"""Synthetic patients, therapists and visits: made up, always the same, ending at a given day."""
