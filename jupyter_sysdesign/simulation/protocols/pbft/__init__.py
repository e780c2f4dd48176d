"""PBFT: agreement among servers of which some lie.

Castro and Liskov, "Practical Byzantine Fault Tolerance" (OSDI 1999), called *the paper* here.
``frame`` moves messages about, ``replica`` decides what to believe, ``seals`` stands for
signatures, ``liars`` are the enemy, ``rules`` is what must hold of all others, ``mutants`` what
happens to those who believe too much, ``suite`` how a learner's version is judged.

Left out are checkpoints and the garbage collection they allow (§4.3), and the optimisations of §5.
Links lose nothing, as the paper's retransmissions see to it.
"""
