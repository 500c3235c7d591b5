"""The modules of the official client for classes, with the classes of headrace."""
