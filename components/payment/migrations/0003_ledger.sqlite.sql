-- What moved, from where to where: every entry takes from one account what it
-- gives to another. Entries are only ever added.
CREATE TABLE ledger (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT    NOT NULL UNIQUE,
    payment  TEXT    NOT NULL REFERENCES payments (id),
    type     TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    target   TEXT    NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount >= 0),
    currency TEXT    NOT NULL,
    refund   TEXT,
    code     TEXT,
    occurred INTEGER NOT NULL
);

CREATE INDEX ledger_by_payment ON ledger (payment, number);

CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_is_not_deleted BEFORE DELETE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

-- How far payments were compared with the ledger: one row.
CREATE TABLE ledger_checks (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    updated INTEGER NOT NULL,
    number  INTEGER NOT NULL
);

INSERT INTO ledger_checks (id, updated, number) VALUES (1, 0, 0);
