"""What a history of operations proves: consistency models and isolation levels, judged.

The same checkers read histories from the simulator and from real databases.
"""
