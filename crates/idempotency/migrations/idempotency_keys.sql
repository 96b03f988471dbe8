-- A key that a client has used. `name` is a digest of caller, method, path and
-- key, `fingerprint` one of the request; `id` names the try in the rows that
-- it makes. Until `lease` somebody is at it. With a `status`, the answer is
-- the one that is stored.
CREATE TABLE idempotency_keys (
    name        TEXT   NOT NULL PRIMARY KEY,
    id          TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    created     BIGINT NOT NULL,
    lease       BIGINT NOT NULL,
    status      BIGINT,
    headers     TEXT,
    body        TEXT
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created);
