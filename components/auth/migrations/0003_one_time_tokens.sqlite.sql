-- Tokens that go out by mail. `digest` is the SHA-256 of the token, which is
-- made from `id` (see one_time.rs). `password` is the hash that becomes the
-- account's when the address is verified: what was chosen at that sign-up.
CREATE TABLE one_time_tokens (
    id       TEXT    NOT NULL PRIMARY KEY,
    digest   TEXT    NOT NULL UNIQUE,
    purpose  TEXT    NOT NULL CHECK (purpose IN ('verify', 'reset', 'email')),
    account  TEXT    NOT NULL,
    email    TEXT    NOT NULL,
    password TEXT,
    created  INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    used     INTEGER
);

CREATE INDEX one_time_tokens_account ON one_time_tokens (account, purpose, created);
CREATE INDEX one_time_tokens_created ON one_time_tokens (created);
