"""The ``/v1`` API, one file per resource."""
