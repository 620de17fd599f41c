"""The web application: launches, forms and the clinician's view; no clinical rule lives here."""
