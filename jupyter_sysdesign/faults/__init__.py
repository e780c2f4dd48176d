"""Faults: named failures that can be put on a running system, and taken back.

``library`` lists them; each is a class in ``service``, ``link``, ``database`` or ``cache`` that
knows how to inject itself, how to see that it took effect, and how to recover. ``injector`` keeps
the faults of one environment, ``schedules`` plays several at given moments. ``proxy`` is the
process that the links a lesson marks go through.
"""
