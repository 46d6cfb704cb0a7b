"""Adapters that bind a session to memory, sockets and servers."""
