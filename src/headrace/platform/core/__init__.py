"""What every room of the platform stands on: access, identifiers, scopes, listings, counters."""
