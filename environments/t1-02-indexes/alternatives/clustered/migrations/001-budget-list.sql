-- Two columns per index, and the products themselves rewritten in the order of the busiest one:
-- what stands together in a list of the shop then lies together in the table.
CREATE INDEX products_category_price ON products (category_id, price_cents);
CREATE INDEX products_category_created ON products (category_id, created_at);
CLUSTER products USING products_category_price;
ANALYZE products;
CREATE INDEX orders_customer_created ON orders (customer_id, created_at);
DROP INDEX orders_created_customer;
