CREATE INDEX posts_created ON posts (created_at, id);
CREATE INDEX posts_author ON posts (author_id);
CREATE INDEX posts_body ON posts (body);
CREATE INDEX posts_everything ON posts (author_id, created_at, body);
