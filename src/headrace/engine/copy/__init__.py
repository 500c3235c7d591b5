"""Copy a version with everything that is in it from one lake, server or platform to another."""
