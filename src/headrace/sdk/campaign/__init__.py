"""The handles of annotation campaigns."""
