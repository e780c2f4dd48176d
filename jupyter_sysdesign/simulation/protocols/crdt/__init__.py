"""Conflict-free replicated data types, by state.

Shapiro, Preguiça, Baquero and Zawirski, "Conflict-free Replicated Data Types" (2011): each replica
changes its own state, sends it around whenever it likes, and merges what it receives. It does not
matter in which order states arrive, or how often, because ``merge`` is commutative, associative and
idempotent, and every change only goes up. States are values: a change returns a new one.
"""
