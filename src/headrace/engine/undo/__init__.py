"""Removals that can be undone, from the side of the client."""
