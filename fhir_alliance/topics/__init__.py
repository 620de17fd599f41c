"""Hearing of visits from EHRs that tell of them: topic subscriptions for R4, as in the Subscriptions Backport 1.1."""
