"""`fhir-alliance doctor`: what an EHR allows, and what a site learns from it."""
