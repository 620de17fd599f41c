"""Who is due at a visit, and for what."""
