"""Scores over time: series, usual range and what a first line may say (pure)."""
