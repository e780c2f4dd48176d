"""A deterministic simulator, protocols and checkers; the standard library only."""
