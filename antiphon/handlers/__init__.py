"""What runs in a session."""
