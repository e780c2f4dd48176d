"""environment/runtimes."""
