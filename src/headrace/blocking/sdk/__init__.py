"""Where the official client keeps its classes."""
