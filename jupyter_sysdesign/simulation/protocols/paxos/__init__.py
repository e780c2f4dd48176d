"""Paxos: agreement on one value, and on a list of commands, by nothing but majorities.

Lamport, "Paxos Made Simple" (2001), called *the paper* here. ``synod`` agrees on one value (§2),
``multi`` makes a replicated store of it (§3), ``rules`` is what must always hold of both,
``mutants`` what happens otherwise, ``suite`` how a learner's versions are judged.
"""
