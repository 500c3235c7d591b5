"""Findings: bad, lossy or unusual records that reading and writing met, counted and reported."""
