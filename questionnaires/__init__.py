"""The instruments as data: one folder each, one file per version, one per language of its wording."""
