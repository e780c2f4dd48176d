INSERT INTO items (category, price)
SELECT 'category-' || n % 100, n % 97 FROM generate_series(1, 20000) AS n;
