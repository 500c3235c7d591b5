"""One script for each way to do a job; each runs in an environment of its own."""
