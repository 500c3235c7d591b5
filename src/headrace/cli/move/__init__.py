"""The commands that move data: push, pull, sync, import, export, convert."""
