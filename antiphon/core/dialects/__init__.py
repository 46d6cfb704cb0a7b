"""Wire dialects: bytes on the wire to messages, and back."""
