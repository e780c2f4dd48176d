CREATE INDEX posts_created ON posts (created_at, id);
