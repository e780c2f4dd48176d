"""HTTP within this machine: over unix sockets and loopback, where nothing is encrypted."""

from __future__ import annotations

import ssl

#: What clients are told of certificates: none. By itself httpx reads those of all authorities for
#: each client, which takes 20 ms.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
