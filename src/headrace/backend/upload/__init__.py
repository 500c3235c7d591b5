"""Uploads to the storage of a server."""
