-- Four kinds of job, and 60,000 jobs of the last weeks, all of them done.
-- setseed makes random() give the same numbers every time: everybody gets the same queue.

SELECT setseed(0.5772);

INSERT INTO kinds (name, paper) VALUES
    ('label', 'sticker'),
    ('invoice', 'A4'),
    ('delivery-note', 'A5'),
    ('return-slip', 'A6');

INSERT INTO jobs (order_id, kind, status, created_at, done_at)
SELECT 1 + n / 3,
       (ARRAY['label', 'invoice', 'delivery-note', 'return-slip'])[1 + floor(4 * a)::integer],
       'done',
       timestamptz '2024-01-01 00:00+00' + n * interval '40 seconds',
       timestamptz '2024-01-01 00:00+00' + n * interval '40 seconds' + b * interval '2 seconds'
FROM (SELECT n, random() AS a, random() AS b FROM generate_series(1, 60000) AS n) AS draw
ORDER BY n;
