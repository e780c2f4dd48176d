"""A cohort: the nbgrader course, and grading its submissions away from the instructor's account."""
