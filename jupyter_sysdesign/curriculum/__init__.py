"""What lessons exist, in what order, and where a learner's copies of them are."""
