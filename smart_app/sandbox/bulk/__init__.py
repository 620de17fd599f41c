"""Bulk Data Access 2.0: the records of a group of patients as files."""
