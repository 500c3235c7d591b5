"""The HTTP server: the table of operations as routes to the platform of a lake. Started by the CLI and by tests."""
