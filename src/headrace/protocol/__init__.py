"""The wire contract: every call of the API as data, and how it is spelled in HTTP and JSON."""
