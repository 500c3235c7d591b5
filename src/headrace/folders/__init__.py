"""Folders that headrace writes into: what it remembers of them, which of their files it wrote, and which are lakes."""
