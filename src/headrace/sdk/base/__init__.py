"""What all handles share."""
