"""The blocking client, one class for each part of the API."""
