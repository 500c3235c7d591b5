"""The catalog in a PostgreSQL database, which many servers may share."""
