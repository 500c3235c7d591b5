"""For those who build on headrace: what every database and object store must pass, and a server that misbehaves."""
