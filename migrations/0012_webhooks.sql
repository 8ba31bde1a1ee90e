-- Endpoints that hear of jobs. Secrets are derived from the deployment's key, and are not here.
CREATE TABLE webhooks (
    owner TEXT NOT NULL, -- empty for a service's
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    event_types TEXT NOT NULL, -- words, with a blank between them
    description TEXT,
    secret_generation INTEGER NOT NULL, -- from 1; each is another secret
    previous_until INTEGER, -- until then the secret before signs, too
    failing_since INTEGER, -- the first failure since the last success
    disabled_at INTEGER, -- since then nothing is sent
    disabled_reason TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;
