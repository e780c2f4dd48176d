CREATE INDEX items_category_price ON items (category, price, id);
