"""The embedded sandbox EHR: FHIR server, SMART authorization server, chart and portal with synthetic patients."""
