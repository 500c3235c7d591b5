"""Objects as files in one folder."""
