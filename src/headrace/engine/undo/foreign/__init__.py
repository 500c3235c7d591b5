"""Removals on a platform that keeps no record of them: the client reads what goes and keeps it in its state folder."""
