-- Calls that were done, each once: the same key is the same call. `times` is
-- how often it was made.
CREATE TABLE calls (
    key         TEXT    NOT NULL PRIMARY KEY,
    kind        TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    payment     TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    times       INTEGER NOT NULL,
    created     INTEGER NOT NULL
);

CREATE INDEX calls_by_age ON calls (created);
