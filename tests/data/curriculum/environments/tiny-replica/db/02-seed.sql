INSERT INTO items (category, price)
SELECT 'category-' || n % 10, n % 97 FROM generate_series(1, 1000) AS n;
