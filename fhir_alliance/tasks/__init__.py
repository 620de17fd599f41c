"""What is asked, as Tasks in the EHR's own lists: our store stays the record, a Task only follows it (W05)."""
