CREATE INDEX products_category_price ON products (category_id, price_cents, id);
CREATE INDEX products_category_created ON products (category_id, created_at);
DELETE FROM orders WHERE created_at < '2023-11-01';
