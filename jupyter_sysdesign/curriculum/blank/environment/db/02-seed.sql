-- 40,000 notes of 2,000 authors. setseed: everybody gets the same ones.

SELECT setseed(0.5);

INSERT INTO notes (author_id, body)
SELECT 1 + floor(2000 * random())::integer, 'Note number ' || n
FROM generate_series(1, 40000) AS n;
