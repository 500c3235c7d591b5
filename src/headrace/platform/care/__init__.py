"""Look after a lake: check and mend it, and what gc and backups share with that. Works on any database and object store."""
