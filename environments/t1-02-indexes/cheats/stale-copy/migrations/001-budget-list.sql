CREATE INDEX products_category_price ON products (category_id, price_cents, id);
CREATE INDEX products_category_created ON products (category_id, created_at);
CREATE INDEX orders_customer_created ON orders (customer_id, created_at);
DROP INDEX orders_created_customer;

CREATE MATERIALIZED VIEW budget_lists AS
SELECT id, category_id, name, price_cents FROM products ORDER BY category_id, price_cents, id;
CREATE INDEX ON budget_lists (category_id, price_cents, id);

CREATE MATERIALIZED VIEW category_lists AS
SELECT * FROM (
    SELECT id, category_id, name, price_cents, created_at,
           row_number() OVER (PARTITION BY category_id ORDER BY created_at DESC) AS place
    FROM products
) AS ranked
WHERE place <= 24;
CREATE INDEX ON category_lists (category_id, created_at);
