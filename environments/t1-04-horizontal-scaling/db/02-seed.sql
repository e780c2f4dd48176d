-- 48 categories with 250 products each.
-- setseed makes random() give the same numbers every time: everybody gets the same catalogue.

SELECT setseed(0.2718);

INSERT INTO products (category_id, name, price_cents, stock, sold_per_week)
SELECT 1 + (n - 1) / 250,
       (ARRAY['Ripe','Smoked','Organic','Dried','Pickled','Frozen','Fresh','Salted','Wild','Sweet'])[1 + floor(10 * a)::integer]
       || ' ' ||
       (ARRAY['tomatoes','salmon','lentils','apricots','herring','peas','basil','almonds','garlic','peppers','rice','butter'])[1 + floor(12 * b)::integer]
       || ' ' || n,
       (150 + 4000 * power(c, 3))::integer,
       (40 + 900 * d)::integer,
       ARRAY(
           -- a level, a trend, a season, and luck; "+ 0 * n" makes it luck of its own for each product
           SELECT greatest(0, round(8 + 60 * a + week * (b - 0.4) + 8 * sin(week / 4.1 + 6 * c) + 14 * random() + 0 * n))::integer
           FROM generate_series(1, 52) AS week
           ORDER BY week
       )
FROM (
    SELECT n, random() AS a, random() AS b, random() AS c, random() AS d
    FROM generate_series(1, 12000) AS n
) AS draw
ORDER BY n;
