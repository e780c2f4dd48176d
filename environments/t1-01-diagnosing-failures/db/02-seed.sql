-- 20,000 users, 200,000 posts, some 200,000 follows.
-- setseed makes random() give the same numbers every time: everybody gets the same network.

SELECT setseed(0.1618);

-- ---------------------------------------------------------------- users

INSERT INTO users (name)
SELECT (ARRAY['Ada','Ben','Chloe','Dev','Elif','Femi','Grace','Hugo','Ines','Jun'])[1 + n % 10]
       || ' ' ||
       (ARRAY['Adeyemi','Brandt','Costa','Dubois','Eriksen','Fischer','Garcia','Haddad','Ito','Jansen'])[1 + n / 10 % 10]
       || ' ' || n
FROM generate_series(1, 20000) AS n;

-- ---------------------------------------------------------------- follows
-- The first users have been here longest: far more people follow them than the others.

INSERT INTO follows (follower_id, followee_id)
SELECT DISTINCT follower, followee
FROM (
    SELECT 1 + n % 20000 AS follower, 1 + floor(20000 * power(random(), 3))::integer AS followee
    FROM generate_series(1, 210000) AS n
) AS draw
WHERE follower <> followee;

-- ---------------------------------------------------------------- posts
-- The posts came over from two older apps, in the order in which their files were imported.
-- So a higher id does not mean a later post: only created_at knows when something was said.

INSERT INTO posts (author_id, body, created_at)
SELECT author,
       (ARRAY['Just saw','Still thinking about','Finally fixed','Nobody told me about','Today I learned about','Does anybody else dream of','I have a strong opinion on','Day three of','Please recommend','My cat disapproves of','Small victory:','Unpopular opinion:'])[1 + floor(12 * a)::integer]
       || ' ' ||
       (ARRAY['the pigeons on the roof','a bug that was not a bug','the last tram home','sourdough number nine','semicolons','the coffee machine on floor two','a very long meeting','somebody else''s umbrella','the moon tonight','my own code from last year','the queue at the bakery','an undefined function'])[1 + floor(12 * b)::integer]
       || ', ' ||
       (ARRAY['and it made my day','and I regret nothing','send help','more at eleven','ask me anything','it was the cache, of course','would do it again','no notes','ten out of ten','again'])[1 + floor(10 * c)::integer]
       || '.',
       timestamptz '2023-01-01 00:00+00' + (n + 40000 * late) * interval '2 minutes'
FROM (
    SELECT n, 1 + floor(20000 * power(random(), 2))::integer AS author,
           random() AS a, random() AS b, random() AS c, random() AS late
    FROM generate_series(1, 200000) AS n
) AS draw
ORDER BY n;
