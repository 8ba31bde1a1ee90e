-- Who changed what. The order of the key is the order of time; the sweep removes the oldest lines.
CREATE TABLE audit (
    at INTEGER NOT NULL, -- milliseconds since 1970
    request_id TEXT NOT NULL,
    caller TEXT NOT NULL, -- the name of a service's key, `user`, or `uploader`
    owner TEXT, -- the owner that the caller is or acts for
    route TEXT NOT NULL,
    target TEXT NOT NULL, -- id of what was changed
    status INTEGER NOT NULL,
    PRIMARY KEY (at, request_id)
) WITHOUT ROWID;

-- Bytes that an owner has begun to upload, by day since 1970.
CREATE TABLE owner_uploads (
    owner TEXT NOT NULL,
    day INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (owner, day)
) WITHOUT ROWID;
