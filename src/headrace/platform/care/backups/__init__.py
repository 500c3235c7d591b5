"""Backups of lakes: snapshots of the catalog, the files they name, and lakes made of them."""
