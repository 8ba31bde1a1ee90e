"""The client of the bucket: the backend uploads with keys of its own, past the API."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from .config import R2_ACCESS_KEY_ID, R2_BUCKET_NAME, R2_ENDPOINT, R2_SECRET_ACCESS_KEY


class R2Client:
    """Without an endpoint and a key there is no client, and every call says so."""

    def __init__(self) -> None:
        self.bucket_name = R2_BUCKET_NAME
        self._s3: Any = None
        if R2_ENDPOINT and R2_ACCESS_KEY_ID:
            self._s3 = boto3.client(
                "s3",
                endpoint_url=R2_ENDPOINT,
                aws_access_key_id=R2_ACCESS_KEY_ID,
                aws_secret_access_key=R2_SECRET_ACCESS_KEY,
                config=Config(signature_version="s3v4"),
                region_name="auto",
            )

    @property
    def s3(self) -> Any:
        """boto3's own client."""
        if self._s3 is None:
            raise RuntimeError("R2 client not configured")
        return self._s3

    def upload_file(self, local_path: str, key: str, content_type: str = "video/mp4") -> str:
        """Uploads a file, in parts when it is long."""
        self.s3.upload_file(local_path, self.bucket_name, key, ExtraArgs={"ContentType": content_type})
        return key

    def upload_bytes(self, data: bytes, key: str, content_type: str = "video/mp4") -> str:
        """Uploads what is in memory, in one request."""
        self.s3.put_object(Bucket=self.bucket_name, Key=key, Body=data, ContentType=content_type)
        return key
