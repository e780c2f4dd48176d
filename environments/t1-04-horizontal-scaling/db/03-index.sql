-- A page of the catalogue and a report both ask for one category.

CREATE INDEX products_category_name ON products (category_id, name);
