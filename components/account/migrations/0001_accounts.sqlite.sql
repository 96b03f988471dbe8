-- `number` is the order of creation, which lists are paged by. `email_key` is
-- made from `email` by the service (see email.rs): what makes two addresses
-- one. A deleted account keeps its row, so that its id is never another's, and
-- nothing that says who it was; without a key, its address is free.
-- The large column comes last: what is in front of it is read without it.
CREATE TABLE accounts (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    version        INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    updated        INTEGER NOT NULL,
    deleted        INTEGER,
    email          TEXT,
    email_key      TEXT    UNIQUE,
    email_verified INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    customer       INTEGER NOT NULL CHECK (customer IN (0, 1)),
    admin          INTEGER NOT NULL CHECK (admin IN (0, 1)),
    name           TEXT,
    metadata       TEXT,
    CHECK (
        CASE WHEN deleted IS NULL
            THEN email IS NOT NULL AND email_key IS NOT NULL AND name IS NOT NULL
                AND metadata IS NOT NULL AND customer + admin > 0
            ELSE email IS NULL AND email_key IS NULL AND name IS NULL
                AND metadata IS NULL AND customer + admin = 0
        END
    )
);

-- Administrators are few among many: lists of them, and whether there is one
-- left, read this.
CREATE INDEX accounts_admins ON accounts (number) WHERE admin = 1;
