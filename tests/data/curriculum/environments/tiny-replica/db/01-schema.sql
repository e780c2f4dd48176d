CREATE TABLE items (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  category text NOT NULL,
  price integer NOT NULL
);
