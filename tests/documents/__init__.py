"""Server code as users of the known API have it."""
