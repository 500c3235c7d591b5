"""Tags of data, assets and the organization's objects."""
