"""Real servers, as the tests of the metrics start them."""

from __future__ import annotations

from metrics.conftest import cluster, folder, postgres, start_valkey, valkey  # noqa: F401
