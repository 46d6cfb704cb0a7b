"""The protocol: no I/O, no clock, no randomness, no tasks."""
