"""File transfers: find what is missing, fetch it with bounded concurrency, verify it, rename it, report."""
