"""Move a lake into a PostgreSQL database, and copy a platform into a lake."""
