"""Named SQL over SQLite."""
