"""The service modules of the official client that scripts import."""
