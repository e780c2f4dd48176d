CREATE INDEX ON items (category);
CREATE INDEX ON items (price);
CREATE INDEX ON items (category, price, id);
