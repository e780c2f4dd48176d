CREATE INDEX ON products (category_id);
CREATE INDEX ON products (price_cents);
CREATE INDEX ON products (created_at);
CREATE INDEX ON orders (customer_id);
