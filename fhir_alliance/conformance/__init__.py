"""FHIR Alliance's definitions as a package, and the offline validator."""
