CREATE INDEX products_category_price ON products (category_id, price_cents, id);
CREATE INDEX orders_customer_created ON orders (customer_id, created_at);
DROP INDEX orders_created_customer;

CREATE TABLE category_lists (
    product_id   integer PRIMARY KEY,
    category_id  integer NOT NULL,
    name         text NOT NULL,
    price_cents  integer NOT NULL,
    created_at   timestamptz NOT NULL
);
CREATE INDEX ON category_lists (category_id, created_at);

CREATE FUNCTION build_category_list(category integer) RETURNS void LANGUAGE sql AS $$
    DELETE FROM category_lists WHERE category_id = category;
    INSERT INTO category_lists
    SELECT id, category_id, name, price_cents, created_at
    FROM products
    WHERE category_id = category
    ORDER BY created_at DESC
    LIMIT 24;
$$;
SELECT build_category_list(id) FROM categories;

CREATE FUNCTION product_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM build_category_list(NEW.category_id);
    RETURN NULL;
END $$;
CREATE TRIGGER product_changed AFTER INSERT OR UPDATE ON products
    FOR EACH ROW EXECUTE FUNCTION product_changed();
