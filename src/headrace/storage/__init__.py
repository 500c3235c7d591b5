"""Two narrow waists: rows go through :class:`Database`, bytes through :class:`ObjectStore`."""
