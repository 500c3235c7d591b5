"""Uploads and pushes of files."""
