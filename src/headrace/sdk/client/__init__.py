"""The client of an organization."""
