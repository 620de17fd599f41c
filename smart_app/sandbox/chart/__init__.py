"""The sandbox EHR's own pages: sign-in, patient list, chart and patient portal."""
