"""The commands that manage versions and what is in them: version, tag, label."""
