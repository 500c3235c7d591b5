"""``headrace undo``: what was removed comes back."""
