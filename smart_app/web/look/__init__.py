"""How the EHR wants us to look: what it says is read strictly, and what would be hard to read is left out."""
