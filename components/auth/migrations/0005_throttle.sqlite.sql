-- How often something was tried, and until when it may not be tried again.
CREATE TABLE throttle (
    name    TEXT    NOT NULL PRIMARY KEY,
    tries   INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    until   INTEGER NOT NULL
);

CREATE INDEX throttle_updated ON throttle (updated);
