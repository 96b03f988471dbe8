-- A mail is a row before it is sent. `number` is the order of creation, which
-- lists are paged by. An event leads to one mail of a template at most, however
-- often it comes, and also when the address is gone by then.
--
-- `due` is when a queued or failed mail is to be sent, and when the lease of the
-- one that holds a mail that is being sent ends; `claim` is who holds it.
-- `recipient` may be missing as long as the account's address was not asked
-- for, and is taken out when `forget` is set and the mail is done with.
-- `tries_left` is -1 for a mail that was lost in its last try.
-- `token` is the id of a one-time token, never the token. `data` is what the
-- template needs, as JSON.
CREATE TABLE emails (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL UNIQUE,
    event         TEXT    NOT NULL,
    template      TEXT    NOT NULL,
    status        TEXT    NOT NULL
        CHECK (status IN ('queued', 'sending', 'sent', 'failed', 'abandoned')),
    reason        TEXT    CHECK ((reason IS NOT NULL) = (status = 'abandoned')),
    error         TEXT,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    due           INTEGER CHECK ((due IS NULL) = (status IN ('sent', 'abandoned'))),
    claim         TEXT    CHECK ((claim IS NOT NULL) = (status = 'sending')),
    tries         INTEGER NOT NULL,
    tries_left    INTEGER NOT NULL CHECK (tries_left >= -1),
    account       TEXT,
    recipient     TEXT,
    recipient_key TEXT,
    forget        INTEGER NOT NULL CHECK (forget IN (0, 1)),
    token         TEXT,
    data          TEXT    NOT NULL,
    UNIQUE (event, template)
);

CREATE INDEX emails_due ON emails (due) WHERE due IS NOT NULL;
CREATE INDEX emails_recipient ON emails (recipient_key, number);
CREATE INDEX emails_account ON emails (account);
CREATE INDEX emails_template ON emails (template, number);
CREATE INDEX emails_status ON emails (status, number);
CREATE INDEX emails_old ON emails (status, updated);

-- Each time that a mail was taken up, noted before anything is done: a try
-- without an end was lost together with who made it.
CREATE TABLE tries (
    email   TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended   INTEGER,
    outcome TEXT    CHECK (outcome IN ('sent', 'failed', 'abandoned')),
    detail  TEXT,
    PRIMARY KEY (email, number)
);
