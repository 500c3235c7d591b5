"""Child processes: start, supervision, logs and processor slots."""
