-- `number` is the order of creation: what lists are paged by, and what ties
-- are broken by. `sort_name` and `words` are made from the other columns by
-- the service (see words.rs), so that every database sorts and finds alike.
-- The large columns come last: what is in front of them is read without them.
CREATE TABLE products (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    version        INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    updated        INTEGER NOT NULL,
    status         TEXT    NOT NULL CHECK (status IN ('draft', 'published')),
    sku            TEXT    NOT NULL UNIQUE,
    slug           TEXT    NOT NULL UNIQUE,
    name           TEXT    NOT NULL,
    sort_name      TEXT    NOT NULL,
    price_amount   INTEGER NOT NULL CHECK (price_amount >= 0),
    price_currency TEXT    NOT NULL,
    stock          INTEGER NOT NULL CHECK (stock >= 0),
    description    TEXT    NOT NULL,
    images         TEXT    NOT NULL,
    attributes     TEXT    NOT NULL,
    words          TEXT    NOT NULL
);

-- One for each order of the public list. The price rides along, so that a
-- filter on it is decided in the index and only hits are looked up.
CREATE INDEX products_by_number ON products (status, number, price_amount, price_currency);
CREATE INDEX products_by_name ON products (status, sort_name, number, price_amount, price_currency);
CREATE INDEX products_by_price ON products (status, price_amount, number, price_currency);

-- And for administrators, who see drafts among the others.
CREATE INDEX products_and_drafts_by_name ON products (sort_name, number);
CREATE INDEX products_and_drafts_by_price ON products (price_amount, number);
