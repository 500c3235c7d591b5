"""Tokens of servers: where they come from, which server may get them, and the profiles that keep them."""
