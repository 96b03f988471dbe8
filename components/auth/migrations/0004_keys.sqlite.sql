-- The keys that sign access tokens; `seed` is the private key (see
-- crates/tokens). The newest that has begun signs; `signs_until` is when the
-- next one begins.
CREATE TABLE signing_keys (
    kid         TEXT    NOT NULL PRIMARY KEY,
    seed        TEXT    NOT NULL,
    signs_from  INTEGER NOT NULL,
    signs_until INTEGER
);

-- What refresh tokens and one-time tokens are made with: 32 bytes in base64url.
CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
