"""The wire protocol: every operation of the API as data, and its encoding in HTTP and JSON."""
