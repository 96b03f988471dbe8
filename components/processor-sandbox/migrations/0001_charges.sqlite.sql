-- Money that never was. A payment has one charge at most; `authorized` is what
-- is held, `captured` what was taken.
CREATE TABLE charges (
    id         TEXT    NOT NULL PRIMARY KEY,
    payment    TEXT    NOT NULL UNIQUE,
    method     TEXT    NOT NULL,
    currency   TEXT    NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount > 0),
    capture    INTEGER NOT NULL CHECK (capture IN (0, 1)),
    state      TEXT    NOT NULL,
    authorized INTEGER NOT NULL CHECK (authorized >= 0),
    captured   INTEGER NOT NULL CHECK (captured >= 0),
    code       TEXT,
    ripe       INTEGER,
    created    INTEGER NOT NULL
);

CREATE INDEX charges_ripe ON charges (ripe) WHERE ripe IS NOT NULL;

CREATE TABLE refunds (
    id      TEXT    NOT NULL PRIMARY KEY,
    refund  TEXT    NOT NULL UNIQUE,
    charge  TEXT    NOT NULL REFERENCES charges (id),
    amount  INTEGER NOT NULL CHECK (amount > 0),
    state   TEXT    NOT NULL,
    code    TEXT,
    ripe    INTEGER,
    created INTEGER NOT NULL
);

CREATE INDEX refunds_by_charge ON refunds (charge);
CREATE INDEX refunds_ripe ON refunds (ripe) WHERE ripe IS NOT NULL;
