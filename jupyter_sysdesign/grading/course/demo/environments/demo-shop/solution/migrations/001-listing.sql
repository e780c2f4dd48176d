CREATE INDEX items_listing ON items (category, price, id);
