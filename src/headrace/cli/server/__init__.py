"""The commands that run a server and manage its tokens: serve, token."""
