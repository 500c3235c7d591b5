"""Commands for a lake."""
