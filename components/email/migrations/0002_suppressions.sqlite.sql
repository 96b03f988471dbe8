-- Addresses that a server has refused for good. No mail goes there until an
-- administrator takes them off. `email` is the id of the mail that was refused.
CREATE TABLE suppressions (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    address     TEXT    NOT NULL,
    address_key TEXT    NOT NULL UNIQUE,
    created     INTEGER NOT NULL,
    email       TEXT    NOT NULL,
    reason      TEXT    NOT NULL
);
