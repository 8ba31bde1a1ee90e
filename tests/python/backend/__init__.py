"""The backend's side of the migration: its two clients and its WebSocket proxy.

They speak as the migration's description has them: the same calls, bodies, headers, timeouts and
settings. The API must go on answering them.
"""
