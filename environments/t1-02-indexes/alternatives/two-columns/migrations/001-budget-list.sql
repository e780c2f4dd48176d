-- Without the id the database sorts the few products that cost the same by itself.
-- DESC in an index is harmless, and needless: an index can be read backwards.
-- The old index on orders stays.
CREATE INDEX ON products (category_id, price_cents);
CREATE INDEX ON products (category_id, created_at DESC);
CREATE INDEX ON orders (customer_id, created_at DESC);
