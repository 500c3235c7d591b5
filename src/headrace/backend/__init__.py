"""Backends: a platform in this process, or a server."""
