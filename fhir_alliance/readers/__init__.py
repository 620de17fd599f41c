"""Programs that may read at our own FHIR endpoint: who they are, and what they hold."""
