-- Your first migration.
--
-- A migration is a small file of SQL that changes the database. Write your statement below,
-- save this file, and run  lesson.apply()  in the notebook (or press "Apply migrations" in the panel).
--
-- For the next change, add a second file: 002-….sql. They run in the order of their names.

