"""Live voice and video sessions for Python servers: one handler, any transport."""
