"""Servers apart: each in a process of its own, with nothing of the world but what it is told.

Who judges a stranger's code must not run it beside the verdict, and servers that share a memory
show nothing about messages. So the world stays where the rules are. A server's handlers run in its
own process: it is told of an event, and answers with all that it did, in order. A run comes to the
same, event for event, as one with all servers in one process.
"""
