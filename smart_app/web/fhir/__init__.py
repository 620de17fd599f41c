"""Our own FHIR endpoint, read only: definitions for everybody, and the records that a chart did not take."""
