-- Owners whose tokens were revoked. The sweep removes a line when no token can be so old.
CREATE TABLE token_revocations (
    owner TEXT NOT NULL PRIMARY KEY,
    revoked_at INTEGER NOT NULL -- milliseconds since 1970
) WITHOUT ROWID;
