"""CDS Hooks 2.0: who may ask for cards, and what a card says."""
