-- `number` is the order of creation, which lists are paged by. The large column
-- comes last: what is in front of it is read without it.
CREATE TABLE new_service (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT    NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    author  TEXT    NOT NULL,
    title   TEXT    NOT NULL,
    text    TEXT    NOT NULL
);

-- Lists of what one account has written read this.
CREATE INDEX new_service_by_author ON new_service (author, number);
