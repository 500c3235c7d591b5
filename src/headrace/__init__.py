"""headrace moves vision-dataset versions: it reads, writes, keeps and carries them."""

__version__ = "0.1.0"
