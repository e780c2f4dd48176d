"""Raft: one leader, one log, agreement by majorities.

Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)"
(2014), called *the paper* here; membership changes and reads follow Ongaro's dissertation,
"Consensus: Bridging Theory and Practice" (2014). ``server`` is the protocol, ``log`` and
``machine`` what it keeps, ``rules`` what must always hold, ``mutants`` what happens otherwise,
``suite`` how a learner's version is judged.
"""
