"""The therapeutic alliance as FHIR: definitions, scores, records, and their way into the EHR."""
