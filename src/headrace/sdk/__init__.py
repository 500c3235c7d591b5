"""What users hold: handles, each a record with a backend and the methods of the reference."""
