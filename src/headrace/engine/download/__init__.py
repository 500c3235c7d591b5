"""Download files into a folder."""
