-- What happened, for other services: written in the transaction of the change
-- itself, and sent from here afterwards. `id` is the event's, by which who
-- gets it twice knows it again; `subject` is the payment's; `data` is JSON.
CREATE TABLE outbox (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT    NOT NULL UNIQUE,
    type     TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    occurred INTEGER NOT NULL,
    data     TEXT    NOT NULL,
    sent     INTEGER
);

CREATE INDEX outbox_unsent ON outbox (number) WHERE sent IS NULL;
