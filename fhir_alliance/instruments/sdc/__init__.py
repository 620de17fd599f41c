"""A site's own Questionnaire (FHIR R4, SDC): read, checked, and made an instrument like any other."""
