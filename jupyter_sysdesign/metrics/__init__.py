"""Metrics: what a running environment's services say about themselves, once a second.

``collectors`` ask the services, ``sampler`` asks all collectors at once, ``series`` keeps the last
minutes, ``exposition`` shows the latest sample to a real Prometheus. Nothing here imports numpy or
knows of instances: addresses are given (``sources``).

A metric's name is ``<service>.<metric>`` with its unit in it: ``db.blocks_per_s``. What a service
has several of stands in between: ``db.table.orders.seq_tuples_per_s``.
"""
