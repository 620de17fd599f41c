"""Checks FHIR R4 resources offline: structure, codes, invariants, claimed profiles, responses and their forms."""
