CREATE INDEX products_category_price ON products (category_id, price_cents, id);
CREATE INDEX products_category_created ON products (category_id, created_at);
CREATE INDEX orders_customer_created ON orders (customer_id, created_at);
DROP INDEX orders_created_customer;
