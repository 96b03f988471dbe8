-- The words of each product. They come folded and separated by spaces, so the
-- `ascii` tokenizer has nothing to decide. With an index for each length of
-- prefix, `shoe*` reads one list that is in order of rowid already: the newest
-- matches are found without looking at the others.
CREATE VIRTUAL TABLE product_words USING fts5 (
    words,
    content = 'products',
    content_rowid = 'number',
    tokenize = 'ascii',
    detail = 'column',
    prefix = '1 2 3 4 5 6 7 8 9 10 11 12'
);

CREATE TRIGGER products_words_insert AFTER INSERT ON products BEGIN
    INSERT INTO product_words (rowid, words) VALUES (new.number, new.words);
END;

CREATE TRIGGER products_words_delete AFTER DELETE ON products BEGIN
    INSERT INTO product_words (product_words, rowid, words) VALUES ('delete', old.number, old.words);
END;

CREATE TRIGGER products_words_update AFTER UPDATE OF words ON products
WHEN new.words <> old.words BEGIN
    INSERT INTO product_words (product_words, rowid, words) VALUES ('delete', old.number, old.words);
    INSERT INTO product_words (rowid, words) VALUES (new.number, new.words);
END;
