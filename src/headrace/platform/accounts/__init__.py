"""Users, tokens, sessions and signing keys."""
