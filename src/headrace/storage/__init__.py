"""Storage behind two protocols: :class:`Database` for rows, :class:`ObjectStore` for files."""
