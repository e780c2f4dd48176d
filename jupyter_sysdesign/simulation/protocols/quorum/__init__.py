"""Quorum replication: every key on N servers, W of them for a write, R of them for a read.

Gifford ("Weighted Voting for Replicated Data", 1979) counts the votes; Attiya, Bar-Noy and Dolev
("Sharing Memory Robustly in Message-Passing Systems", 1995), called *ABD* here, make one register
of them; DeCandia and others ("Dynamo: Amazon's Highly Available Key-value Store", 2007), called
*Dynamo*, give some of it up to answer always: sloppy quorums, hinted handoff, read repair, Merkle
trees.

``policy`` says what is chosen for a key, ``replica`` is the server and ``repair`` what it does
about copies that lag behind, ``merkle`` how two of them find what differs, ``caller`` a client,
``rules`` and ``cluster`` what must hold, ``presets`` what known systems choose, ``mutants`` and
``suite`` as for other protocols.
"""
