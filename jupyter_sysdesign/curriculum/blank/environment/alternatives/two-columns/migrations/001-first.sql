CREATE INDEX notes_author_id ON notes (author_id, id);
