"""Blobs of earlier formats: read, never written."""
