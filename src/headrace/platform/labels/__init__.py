"""Labels of a version, their groups, skeletons and attributes."""
