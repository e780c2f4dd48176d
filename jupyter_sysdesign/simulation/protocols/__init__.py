"""Protocols: ours, written to be read, each rule with the place in the paper it comes from."""
