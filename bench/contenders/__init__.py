"""One script for each way to do a job. Each runs in the environment of its contender."""
