"""What the API means: every rule once, over a database and an object store."""
