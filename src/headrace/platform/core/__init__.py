"""What all other folders of the platform use: access, identifiers, scopes, listings, counters."""
