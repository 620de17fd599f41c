"""The sandbox EHR's SMART authorization server."""
