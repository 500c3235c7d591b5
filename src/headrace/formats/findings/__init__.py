"""Findings: bad, lossy or unusual records in reading and writing, counted and reported."""
