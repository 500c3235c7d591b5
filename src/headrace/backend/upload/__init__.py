"""Uploads to a server's storage."""
