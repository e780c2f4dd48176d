"""What a learner types and sees."""
