-- Foreign keys: an order always belongs to a customer and a product that exist.
-- (PostgreSQL indexes a PRIMARY KEY by itself. It does not index a foreign key.)

ALTER TABLE products ADD FOREIGN KEY (category_id) REFERENCES categories (id);
ALTER TABLE orders   ADD FOREIGN KEY (customer_id) REFERENCES customers (id);
ALTER TABLE orders   ADD FOREIGN KEY (product_id)  REFERENCES products (id);

-- Ticket SHOP-212: "order history is slow, please add an index on date and customer".
CREATE INDEX orders_created_customer ON orders (created_at, customer_id);
