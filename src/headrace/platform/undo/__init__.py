"""Undo removals: put back what is recorded, and leave alone what was written since."""
