-- `number` is the order of creation, which lists are paged by. `origin` is the
-- use of an idempotency key that made the payment. What the ledger adds up to
-- is also here, so that one statement can guard it: `held` is what is held
-- now, `captured` what was ever taken, `refunding` and `refunded` what of it is
-- on its way back or has gone. From `due` on, the processor is to be asked.
CREATE TABLE payments (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    version         INTEGER NOT NULL,
    created         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    account         TEXT    NOT NULL,
    origin          TEXT    NOT NULL UNIQUE,
    processor       TEXT    NOT NULL,
    reference       TEXT    NOT NULL,
    amount          INTEGER NOT NULL CHECK (amount > 0),
    currency        TEXT    NOT NULL,
    capture         TEXT    NOT NULL CHECK (capture IN ('automatic', 'manual')),
    state           TEXT    NOT NULL,
    method          TEXT,
    charge          TEXT,
    held            INTEGER NOT NULL CHECK (held >= 0),
    captured        INTEGER NOT NULL CHECK (captured >= 0),
    refunding       INTEGER NOT NULL CHECK (refunding >= 0),
    refunded        INTEGER NOT NULL CHECK (refunded >= 0),
    failure_code    TEXT,
    failure_message TEXT,
    action_kind     TEXT,
    action          TEXT,
    reason          TEXT,
    due             INTEGER,
    tries           INTEGER NOT NULL,
    metadata        TEXT    NOT NULL,
    CHECK (held + captured <= amount),
    CHECK (refunding + refunded <= captured)
);

CREATE INDEX payments_by_account ON payments (account, number);
CREATE INDEX payments_by_reference ON payments (reference, number);
CREATE INDEX payments_by_state ON payments (state, number);
CREATE INDEX payments_by_charge ON payments (charge) WHERE charge IS NOT NULL;
CREATE INDEX payments_by_change ON payments (updated, number);
CREATE INDEX payments_due ON payments (due) WHERE due IS NOT NULL;
