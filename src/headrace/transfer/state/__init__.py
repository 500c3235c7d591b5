"""The state that a target folder keeps in ``.headrace``."""
