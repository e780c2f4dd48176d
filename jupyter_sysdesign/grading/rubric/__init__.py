"""Marking prose by a rubric: what is claimed is checked; what is said is looked for."""
