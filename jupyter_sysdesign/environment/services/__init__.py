"""environment/services."""
