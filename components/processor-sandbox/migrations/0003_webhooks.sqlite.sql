-- Webhooks to be delivered, from `due` on. The same `event` may be there
-- several times: that is how a test card makes duplicates.
CREATE TABLE webhooks (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    event     TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    charge    TEXT    NOT NULL,
    payment   TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    due       INTEGER,
    tries     INTEGER NOT NULL,
    delivered INTEGER
);

CREATE INDEX webhooks_by_age ON webhooks (created);
CREATE INDEX webhooks_due ON webhooks (due) WHERE due IS NOT NULL;
