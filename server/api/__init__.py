"""The REST API, by subject; the only room that knows REST framework and status codes."""
