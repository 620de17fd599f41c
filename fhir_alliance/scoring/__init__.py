"""Answers in, scores out: Decimal arithmetic, declared missing-item rules, one rounding."""
