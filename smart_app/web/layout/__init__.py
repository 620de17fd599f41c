"""Values to coordinates for what the pages draw (pure)."""
