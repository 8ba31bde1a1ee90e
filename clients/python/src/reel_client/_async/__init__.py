"""The async client, one class for each part of the API."""
