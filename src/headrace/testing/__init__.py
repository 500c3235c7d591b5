"""For those who write backends: the tests that every database and every object store must pass."""
