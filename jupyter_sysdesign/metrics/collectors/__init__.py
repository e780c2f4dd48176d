"""Collectors: one module per kind of service."""
