-- The trace in which it happened; and the way to those that were sent long
-- enough ago to be deleted.
ALTER TABLE outbox ADD COLUMN traceparent TEXT;

CREATE INDEX outbox_sent ON outbox (sent) WHERE sent IS NOT NULL;
