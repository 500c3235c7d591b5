"""What is kept of removed assets and annotations, so that a removal can be undone."""
