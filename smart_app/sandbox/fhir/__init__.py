"""The sandbox's FHIR R4 server: resources in SQLite, REST in front, SMART scopes enforced on every call."""
