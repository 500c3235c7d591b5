"""The HTTP client side: sessions, retries, concurrency limits and URL policies."""
