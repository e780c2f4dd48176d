"""What an ``EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)`` document says, in numbers and in words."""
