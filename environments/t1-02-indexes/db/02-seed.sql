-- 40 categories, 10,000 customers, 300,000 products, 500,000 orders.
-- setseed makes random() give the same numbers every time: everybody gets the same shop.

SELECT setseed(0.2718);

-- ---------------------------------------------------------------- categories
-- "share": how many of about 10,000 products are in the category. 1,200 are shoes, 1 is a globe.
-- "scale": a typical price in cents. Products cost from 0.4 to 2 times as much.

CREATE TEMP TABLE plan (id integer, name text, noun text, share integer, scale integer);
INSERT INTO plan VALUES
    ( 1, 'Shoes',             'pair of shoes',     1200,   7900),
    ( 2, 'T-shirts',          'T-shirt',           1100,   1900),
    ( 3, 'Jackets',           'jacket',             900,   9900),
    ( 4, 'Books',             'paperback',          800,   1200),
    ( 5, 'Headphones',        'headphones',         700,   6900),
    ( 6, 'Lamps',             'lamp',               600,   4500),
    ( 7, 'Mugs',              'mug',                520,    900),
    ( 8, 'Watches',           'watch',              460,  14900),
    ( 9, 'Toys',              'toy',                400,   2100),
    (10, 'Phone cases',       'phone case',         360,   1400),
    (11, 'Backpacks',         'backpack',           320,   5900),
    (12, 'Socks',             'pair of socks',      280,    700),
    (13, 'Keyboards',         'keyboard',           250,   7900),
    (14, 'Posters',           'poster',             220,   1500),
    (15, 'Speakers',          'speaker',            200,  12900),
    (16, 'Notebooks',         'notebook',           180,    800),
    (17, 'Board games',       'board game',         160,   3400),
    (18, 'Kitchen knives',    'knife',              140,   3900),
    (19, 'Candles',           'candle',             130,   1300),
    (20, 'Monitors',          'monitor',            120,  24900),
    (21, 'Blankets',          'blanket',            110,   3900),
    (22, 'Pans',              'pan',                100,   4400),
    (23, 'Plants',            'plant',               90,   1700),
    (24, 'Bicycle parts',     'bicycle part',        80,   3100),
    (25, 'Yoga mats',         'yoga mat',            70,   2900),
    (26, 'Tents',             'tent',                60,  18900),
    (27, 'Suitcases',         'suitcase',            50,  11900),
    (28, 'Chairs',            'chair',               45,  13900),
    (29, 'Cables',            'cable',               40,   1100),
    (30, 'Printers',          'printer',             35,  16900),
    (31, 'Desks',             'desk',                30,  22900),
    (32, 'Cameras',           'camera',              25,  44900),
    (33, 'Laptops',           'laptop',              20,  89900),
    (34, 'Telescopes',        'telescope',           15,  27900),
    (35, 'Espresso machines', 'espresso machine',    10,  49900),
    (36, 'Sewing machines',   'sewing machine',       5,  19900),
    (37, 'Violins',           'violin',               4,  39900),
    (38, 'Canoes',            'canoe',                3,  59900),
    (39, 'Pianos',            'piano',                2,  99900),
    (40, 'Globes',            'globe',                1,   8900);

INSERT INTO categories (id, name) SELECT id, name FROM plan;

-- ---------------------------------------------------------------- customers

INSERT INTO customers (name)
SELECT (ARRAY['Ada','Ben','Chloe','Dev','Elif','Femi','Grace','Hugo','Ines','Jun'])[1 + n % 10]
       || ' ' ||
       (ARRAY['Adeyemi','Brandt','Costa','Dubois','Eriksen','Fischer','Garcia','Haddad','Ito','Jansen'])[1 + n / 10 % 10]
       || ' ' || n
FROM generate_series(1, 10000) AS n;

-- ---------------------------------------------------------------- products
-- Each product draws one of the slots below; the shoes own 1,200 of them.
-- Suppliers' files were imported in no particular order, so neighbours in the table
-- have nothing in common: not the category, not the price, not the date.

CREATE TEMP TABLE slots AS
SELECT row_number() OVER (ORDER BY id, k) - 1 AS slot, id, noun, scale
FROM plan, generate_series(1, share) AS k;

INSERT INTO products (category_id, name, price_cents, created_at)
SELECT slots.id,
       (ARRAY['Amber','Birch','Coral','Dusk','Ember','Fern','Grey','Hazel','Indigo','Jade','Kelp','Linen'])[1 + n % 12]
       || ' ' || noun || ' ' || n,
       (scale * (0.4 + 0.8 * dear + 0.8 * rare))::integer,
       timestamptz '2021-01-01 00:00+00' + age * interval '1000 days'
FROM (
    SELECT n,
           floor(random() * (SELECT count(*) FROM slots))::bigint AS slot,
           random() AS dear,
           random() AS rare,
           random() AS age
    FROM generate_series(1, 300000) AS n
) AS draw
JOIN slots USING (slot)
ORDER BY n;

-- ---------------------------------------------------------------- orders
-- Orders arrive one after the other, so they do lie in order of time. A few customers
-- order a lot, most order now and then, and the newest 50 have never ordered anything.

INSERT INTO orders (customer_id, product_id, quantity, total_cents, created_at)
SELECT customer_id, products.id, quantity, quantity * price_cents, ordered_at
FROM (
    SELECT n,
           1 + floor(9950 * power(random(), 2))::integer AS customer_id,
           1 + floor(300000 * random())::integer AS product_id,
           1 + floor(3 * power(random(), 3))::integer AS quantity,
           timestamptz '2022-01-01 00:00+00' + n * interval '2 minutes' AS ordered_at
    FROM generate_series(1, 500000) AS n
) AS draw
JOIN products ON products.id = draw.product_id
ORDER BY n;
