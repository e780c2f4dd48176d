CREATE INDEX ON notes (author_id);
CREATE INDEX ON notes (author_id, id);
CREATE INDEX ON notes (body);
