"""A minimal HTTP/1.1 client for storage downloads."""
