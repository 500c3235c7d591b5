"""Downloads into a folder."""
