"""Folders of people that headrace writes into: what it remembers of them, which files there are its own, lakes."""
