"""The part of FHIRPath that scores need, checked before it is used and bounded while it runs."""
