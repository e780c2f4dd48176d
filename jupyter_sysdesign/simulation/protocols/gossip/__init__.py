"""SWIM: who is alive, among many, at a cost that does not grow with their number.

Das, Gupta and Motivala, "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership
Protocol" (DSN 2002), called *the paper* here. ``swim`` is the protocol, ``rules`` what it promises,
``mutants`` what becomes of those who leave a part of it out, ``suite`` how a learner's is judged.
"""
