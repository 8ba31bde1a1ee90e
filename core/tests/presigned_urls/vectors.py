"""Writes vectors.json: presigned URLs as botocore signs them.

    python3 -m venv target/botocore && target/botocore/bin/pip install botocore==1.43.11
    target/botocore/bin/python core/tests/presigned_urls/vectors.py
"""

import datetime
import json
import pathlib
import urllib.parse

import botocore
import botocore.auth
import botocore.config
import botocore.session

BOTOCORE = "1.43.11"
LOCAL = "http://localhost:8787/cdn-cgi/local/r2/s3"
ACCOUNT = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

# 2026-01-31T09:05:00.250Z, the first and the last second of days, a leap day, and years far away.
NOW_MS = 1_769_850_300_250
CLOCKS_MS = [0, 951_782_400_000, 951_868_799_999, 1_767_225_599_000, 1_767_225_600_000, 4_102_444_800_000]
UPLOAD_ID = "ABPnzm6i+Ne/Q=~5 %2Fü"

KEYS = [
    "input/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/clip.mp4",
    "My clip (1).mov",
    "a+b.mp4",
    "100%.mp4",
    "a%2Fb%20c.mp4",
    "Ліга чемпіонів ⚽.mp4",
    "e\u0301/é.mp4",
    "~tilde/-._.mp4",
    "a&b=c;d?e#f.mp4",
    "two//slashes///and/",
    "/slash/in/front",
    "'quotes\" and \\ <>[]{}|^`*!@$,:.mp4",
    "dots/../and/./dots",
    "tab\tand\u00a0nbsp",
]


def attachment(name):
    ascii_name = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    header = f'attachment; filename="{ascii_name}"'
    if ascii_name != name:
        header += "; filename*=UTF-8''" + urllib.parse.quote(name, safe="-._~")
    return header


def given():
    """What is signed, as the test reads it."""
    for endpoint in (LOCAL, ACCOUNT):
        for key in KEYS:
            yield {"operation": "get", "endpoint": endpoint, "key": key}
    for key in KEYS:
        yield {"operation": "put", "key": key, "content_type": "video/mp4", "size_bytes": 5_242_879}
        yield {"operation": "upload_part", "key": key, "upload_id": UPLOAD_ID, "part_number": 7, "size_bytes": 1}
    for content_type in ("video/quicktime", "video/mp4; codecs=\"avc1.42E01E, mp4a\"", "image/svg+xml"):
        yield {"operation": "put", "content_type": content_type}
        yield {"operation": "put", "content_type": content_type, "size_bytes": 10_000_000_000}
    for name in ("reel.mp4", "My reel.mp4", "a\"b\\c%.mp4", "Jürgen's гол ⚽.mp4", "a~b!#$&+^_`|;,.mp4"):
        yield {"operation": "get", "save_as": name}
    for part_number in (1, 10_000):
        yield {"operation": "upload_part", "upload_id": "simple", "part_number": part_number, "size_bytes": 5_368_709_120}
    for marker in (None, 0, 1000):
        yield {"operation": "list_parts", "upload_id": UPLOAD_ID, "marker": marker}
    for now_ms in CLOCKS_MS:
        yield {"operation": "get", "now_ms": now_ms}
    for lifetime_s in (1, 60, 604_800):
        yield {"operation": "get", "lifetime_s": lifetime_s}
    for endpoint in ("http://127.0.0.1:9000", "http://localhost", "https://s3.example:8443/deep/path"):
        yield {"operation": "put", "endpoint": endpoint, "content_type": "video/webm", "size_bytes": 0}
    yield {"operation": "get", "key_id": "id with/odd+signs", "secret": "ß+/= secret"}
    yield {"operation": "get", "bucket": "a.b-c"}


DEFAULTS = {
    "endpoint": LOCAL,
    "bucket": "reel-ballers-videos",
    "key": KEYS[0],
    "key_id": KEY_ID,
    "secret": SECRET,
    "now_ms": NOW_MS,
    "lifetime_s": 3600,
}


def sign(case):
    clock = datetime.datetime.fromtimestamp(case["now_ms"] / 1000, datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda *_, **__: clock
    client = botocore.session.Session().create_client(
        "s3",
        region_name="auto",
        endpoint_url=case["endpoint"],
        aws_access_key_id=case["key_id"],
        aws_secret_access_key=case["secret"],
        config=botocore.config.Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        ),
    )
    params = {"Bucket": case["bucket"], "Key": case["key"]}
    match case["operation"]:
        case "put":
            params["ContentType"] = case["content_type"]
            if "size_bytes" in case:
                params["ContentLength"] = case["size_bytes"]
        case "get":
            if "save_as" in case:
                params["ResponseContentDisposition"] = attachment(case["save_as"])
        case "upload_part":
            # The order here is the order in the URL.
            params |= {"PartNumber": case["part_number"], "UploadId": case["upload_id"], "ContentLength": case["size_bytes"]}
        case "list_parts":
            if case["marker"] is not None:
                params["PartNumberMarker"] = case["marker"]
            params["UploadId"] = case["upload_id"]
    name = {"put": "put_object", "get": "get_object"}.get(case["operation"], case["operation"])
    return client.generate_presigned_url(name, Params=params, ExpiresIn=case["lifetime_s"])


assert botocore.__version__ == BOTOCORE, botocore.__version__
cases = [DEFAULTS | case for case in given()]
lines = [json.dumps(case | {"url": sign(case)}, ensure_ascii=True) for case in cases]
target = pathlib.Path(__file__).with_name("vectors.json")
target.write_text("[\n" + ",\n".join(lines) + "\n]\n")
print(f"{len(lines)} URLs in {target}")
