"""Labels of a version, with their groups, skeletons and attributes."""
