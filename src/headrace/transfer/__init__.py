"""Moving files: decide what is missing, move it through a bounded pool, verify, publish, report."""
