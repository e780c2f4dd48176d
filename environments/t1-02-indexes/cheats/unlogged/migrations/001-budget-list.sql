CREATE INDEX products_category_price ON products (category_id, price_cents, id);
CREATE INDEX products_category_created ON products (category_id, created_at);
CREATE INDEX orders_customer_created ON orders (customer_id, created_at);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (product_id);
CREATE INDEX ON orders (quantity);
CREATE INDEX ON orders (total_cents);
CREATE INDEX ON orders (created_at);
ALTER TABLE orders SET UNLOGGED;
