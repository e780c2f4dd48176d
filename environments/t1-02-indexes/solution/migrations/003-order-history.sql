CREATE INDEX orders_customer_created ON orders (customer_id, created_at);

-- The same two columns the other way round: nothing uses it any more, every order pays for it.
DROP INDEX orders_created_customer;
