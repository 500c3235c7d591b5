"""Named SQL over SQLite and PostgreSQL."""
