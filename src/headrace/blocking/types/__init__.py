"""Where the official client keeps its enumerations and schemas; the ones here are headrace's own."""
