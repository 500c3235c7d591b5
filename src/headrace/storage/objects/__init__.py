"""Object stores: files under unique names."""
