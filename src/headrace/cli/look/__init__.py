"""The commands that show a lake: ls, stats."""
