"""Commands that show: ls, stats."""
