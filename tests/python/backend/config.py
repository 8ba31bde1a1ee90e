"""The settings, by the names that the migration gives them."""

from __future__ import annotations

import os

WORKERS_API_URL = os.environ.get("WORKERS_API_URL", "http://localhost:8787")
WORKERS_API_KEY = os.environ.get("WORKERS_API_KEY", "")

R2_ENDPOINT = os.environ.get("R2_ENDPOINT", "")
R2_ACCESS_KEY_ID = os.environ.get("R2_ACCESS_KEY_ID", "")
R2_SECRET_ACCESS_KEY = os.environ.get("R2_SECRET_ACCESS_KEY", "")
R2_BUCKET_NAME = os.environ.get("R2_BUCKET_NAME", "reel-ballers-videos")
