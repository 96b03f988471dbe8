-- A session is a family of refresh tokens, of which one is in force: `digest`
-- is its SHA-256, `generation` how often it was replaced, `used` when that was
-- last. `ended` is when the session was, and `announced` when the gateway was
-- told, so that access tokens are refused as well.
CREATE TABLE sessions (
    id         TEXT    NOT NULL PRIMARY KEY,
    account    TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    used       INTEGER NOT NULL,
    device     TEXT    NOT NULL,
    ip         TEXT    NOT NULL,
    ended      INTEGER,
    announced  INTEGER
);

CREATE INDEX sessions_live ON sessions (account, used) WHERE ended IS NULL;
CREATE INDEX sessions_ended ON sessions (ended) WHERE ended IS NOT NULL;
CREATE INDEX sessions_by_use ON sessions (used);
