"""Talking to an EHR: one hardened door, and what SMART on FHIR says through it."""
