"""What clients may cost a server: connections, and the bodies of calls."""
