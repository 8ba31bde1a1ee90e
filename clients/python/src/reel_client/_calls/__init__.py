"""Every request to the API, as data."""
