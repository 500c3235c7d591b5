"""Who answers a call: a platform in this process, or a server."""
