-- Webhooks that came: the same event is taken once. `delivery` is which
-- delivery of it was the first.
CREATE TABLE webhooks (
    processor TEXT    NOT NULL,
    event     TEXT    NOT NULL,
    delivery  TEXT    NOT NULL UNIQUE,
    kind      TEXT    NOT NULL,
    received  INTEGER NOT NULL,
    PRIMARY KEY (processor, event)
);

CREATE INDEX webhooks_by_age ON webhooks (received);
