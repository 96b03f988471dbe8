-- The password of an account, as a PHC string (see crates/passwords). Accounts
-- themselves are another service's; `account` is the account's id.
CREATE TABLE credentials (
    account TEXT    NOT NULL PRIMARY KEY,
    hash    TEXT    NOT NULL,
    changed INTEGER NOT NULL
);
