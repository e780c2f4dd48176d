CREATE INDEX items_covering ON items (category, price) INCLUDE (id);
