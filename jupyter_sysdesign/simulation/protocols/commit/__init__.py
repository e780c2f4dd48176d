"""Atomic commitment: a transaction on several servers happens on all of them or on none.

Two-phase commit is Gray's ("Notes on Data Base Operating Systems", 1978, §5.8.3); three-phase
commit is Skeen's ("Nonblocking Commit Protocols", 1981). Both, their rules AC1 to AC5 and their
termination protocols stand in Bernstein, Hadzilacos and Goodman, "Concurrency Control and Recovery
in Database Systems" (1987), chapter 7, called *BHG* here.

``two_phase`` and ``three_phase`` are the protocols, ``accounts`` and ``payer`` the bank they are
tried out in (``bank``), ``rules`` what must always hold, ``mutants`` what happens otherwise,
``suite`` how a learner's version is judged.
"""
