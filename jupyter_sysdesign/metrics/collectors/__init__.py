"""metrics/collectors."""
