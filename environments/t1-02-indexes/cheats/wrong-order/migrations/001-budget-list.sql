CREATE INDEX ON products (price_cents, category_id);
CREATE INDEX ON products (created_at, category_id);
