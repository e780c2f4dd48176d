"""Questions, outcome checks, verdicts, and the gate every lesson passes."""
