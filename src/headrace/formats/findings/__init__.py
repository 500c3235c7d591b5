"""Findings: what reading and writing noticed, counted and reported."""
