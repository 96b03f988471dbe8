-- What the processor is asked to do, written before it is asked. `key` is the
-- idempotency key that the call carries, every time; `origin` the use of the
-- client's key that it comes from. `acknowledged` is set when the processor is
-- known to be at it.
CREATE TABLE operations (
    key          TEXT    NOT NULL PRIMARY KEY,
    origin       TEXT    NOT NULL UNIQUE,
    payment      TEXT    NOT NULL REFERENCES payments (id),
    kind         TEXT    NOT NULL CHECK (kind IN ('authorize', 'capture', 'cancel', 'refund')),
    amount       INTEGER NOT NULL,
    method       TEXT,
    refund       TEXT,
    reason       TEXT,
    previous     TEXT    NOT NULL,
    acknowledged INTEGER NOT NULL CHECK (acknowledged IN (0, 1)),
    created      INTEGER NOT NULL,
    settled      INTEGER
);

CREATE INDEX operations_by_payment ON operations (payment, kind);
CREATE INDEX operations_open ON operations (payment) WHERE settled IS NULL;

CREATE TABLE refunds (
    id           TEXT    NOT NULL PRIMARY KEY,
    payment      TEXT    NOT NULL REFERENCES payments (id),
    amount       INTEGER NOT NULL CHECK (amount > 0),
    currency     TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    reason       TEXT,
    failure_code TEXT,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL
);
