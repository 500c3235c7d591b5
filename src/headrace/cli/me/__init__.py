"""Commands about the person at the keyboard: which servers know them."""
