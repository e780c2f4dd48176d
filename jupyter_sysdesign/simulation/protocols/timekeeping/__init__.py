"""Logical clocks at work: processes that stamp what happens, and rules that know what came before.

Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System" (1978); vector clocks by
Fidge and by Mattern (1988). ``frame`` passes messages, ``keeper`` keeps the clocks of ``clocks.py``
by it, ``rules`` holds every stamp against what happened before what, ``mutants`` get it wrong.
"""
