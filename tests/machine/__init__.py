"""Delivery as a state machine: whatever happens in whatever order, I1-I8 of the fault model hold."""
