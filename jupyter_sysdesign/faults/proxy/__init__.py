"""The process that marked links go through: bytes in both directions, and what faults do to them.

Standard library only, one thread, one readiness loop (``loop``). A connection that no fault is put
on costs two system calls per message and direction. ``control`` takes the orders.
"""
