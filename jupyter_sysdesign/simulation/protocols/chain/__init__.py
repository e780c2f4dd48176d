"""Proof of work: the longest chain wins, and nothing is ever quite final.

Nakamoto, "Bitcoin: A Peer-to-Peer Electronic Cash System" (2008), called *the paper* here.
``miner`` is the protocol, ``race`` the arithmetic of an attack on it, ``cluster`` the promise that
a merchant makes to itself, ``merchant`` how a learner's answer to it is judged.
"""
