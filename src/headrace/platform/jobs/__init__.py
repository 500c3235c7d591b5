"""Long work: job records, the runner, and the maintenance of a lake."""
