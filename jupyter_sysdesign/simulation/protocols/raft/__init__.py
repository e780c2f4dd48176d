"""Raft: one leader, one log, agreement by majorities.

Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)"
(2014), called *the paper* here; membership changes and reads follow Ongaro's dissertation,
"Consensus: Bridging Theory and Practice" (2014). ``consensus`` is the protocol, ``server`` the
store on top of it, ``log`` and ``machine`` what they keep, ``rules`` what must always hold,
``mutants`` what happens otherwise, ``suite`` how a learner's version is judged.
"""
