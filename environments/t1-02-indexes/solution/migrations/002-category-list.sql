CREATE INDEX products_category_created ON products (category_id, created_at);
