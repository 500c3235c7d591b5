"""The API over HTTP: a lake's platform behind the operation table. Only the CLI and tests start it."""
