"""The commands that manage a lake: init."""
