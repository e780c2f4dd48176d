"""Load: profiles of traffic, and the engine that puts it on a service.

The engine is a process of its own (``engine``) that uses numpy and the standard library; ``run``
starts it. ``profile``, ``target`` and ``run`` do without numpy: the control plane imports them.
"""
