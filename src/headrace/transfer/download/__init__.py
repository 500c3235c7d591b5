"""The download engine."""
