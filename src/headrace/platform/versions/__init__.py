"""Datasets and versions, forks and copies."""
