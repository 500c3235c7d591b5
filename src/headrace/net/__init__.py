"""HTTP, from the client's side: sessions, retries, and what may be said about a URL."""
