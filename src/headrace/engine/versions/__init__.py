"""Work on versions: load, copy, split, add assets."""
