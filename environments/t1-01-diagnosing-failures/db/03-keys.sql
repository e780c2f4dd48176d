-- Foreign keys: a post has an author who exists, and so have both ends of a follow.

ALTER TABLE posts   ADD FOREIGN KEY (author_id)   REFERENCES users (id);
ALTER TABLE follows ADD FOREIGN KEY (follower_id) REFERENCES users (id);
ALTER TABLE follows ADD FOREIGN KEY (followee_id) REFERENCES users (id);
