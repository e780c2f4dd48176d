"""Turns ``service:port`` tokens into the addresses this instance gave its services.

Grammar of a token: a declared service's name, a colon and one of its ports, with no letter, digit,
dot, dash or underscore on either side. Tokens inside URLs are rewritten so that the client behind
the scheme understands them:

* ``postgresql://u:p@db:5432/shop`` → ``postgresql://u:p@%2Frun%2F…%2Fdb:5432/shop`` (libpq)
* ``redis://:p@cache:6379/0`` → ``unix://:p@/run/…/cache.sock?db=0`` (redis-py, valkey-py)
* ``http://app:8000/x`` → ``http://127.0.0.1:41234/x``

In configuration files (HAProxy's) a token becomes ``unix@/run/…/app.sock`` or ``127.0.0.1:41234``;
no line is added or removed. Passwords are ``${SYSDESIGN_PASSWORD_<SERVICE>}``; ``$$`` is a dollar.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jupyter_sysdesign.environment.passwords import token
from jupyter_sysdesign.environment.spec import Spec
from jupyter_sysdesign.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyter_sysdesign.environment.passwords import Passwords
    from jupyter_sysdesign.environment.spec import Route, ServiceSpec

POSTGRES_PORT = 5432
VALKEY_PORT = 6379

#: Longest path of a unix socket that works everywhere (macOS: 104 bytes with the final NUL).
MAX_SOCKET_PATH = 103

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\s\"'<>]*)([^\s\"'<>]*)")
_VARIABLE = re.compile(r"\$(?:\$|\{([^}]*)\}|(\w+))?")
_DATABASE = ("postgresql", "postgres")
_CACHE = ("redis", "valkey")


class TokenError(ValueError):
    """A token that leads nowhere; the message says why."""


@dataclass(frozen=True)
class Address:
    """Where a service is reached: a unix socket, or a port on this machine."""

    path: Path | None = None
    port: int | None = None
    host: str = "127.0.0.1"

    def __str__(self) -> str:
        return f"unix@{self.path}" if self.path else f"{self.host}:{self.port}"


class Addresses:
    """The addresses of one instance.

    Attributes:
        sockets: folder of the unix sockets.
    """

    def __init__(self, spec: Spec, sockets: Path, ports: Mapping[str, int]) -> None:
        """Give every service of ``spec`` an address; ``ports`` holds those reserved for TCP."""
        self.sockets = sockets
        self._services = spec.services
        self._routes = spec.routes
        self._ports = ports
        self._client = ""

    def of(self, service: str, port: int | None = None) -> Address:
        """Return where ``service`` is reached on its container port ``port`` (default: its own).

        Raises:
            ResourceError: the path would be longer than unix sockets allow.
        """
        spec = self._services[service]
        if spec.tcp and port in (None, spec.port):
            return Address(port=self._ports[service])
        if spec.kind == "postgres":
            path = self.folder(service) / f".s.PGSQL.{POSTGRES_PORT}"
        elif port in (None, spec.port):
            path = self.sockets / f"{service}.sock"
        else:
            path = self.sockets / f"{service}-{port}.sock"
        return _socket(path)

    def seen_by(self, client: str) -> Addresses:
        """Return the addresses as one service is told them: its marked links lead to the proxy."""
        seen = copy.copy(self)
        seen._client = client  # noqa: SLF001 (our own)
        return seen

    def through(self, route: Route) -> Address:
        """Return where the proxy listens for one route: the same kind of address as its target's.

        Raises:
            ResourceError: the path would be longer than unix sockets allow.
        """
        if route.tcp:
            return Address(port=self._ports[route.name])
        # Short, and no service can be called that.
        place = self.sockets / f"~{self._routes.index(route)}"
        if self._services[route.target].kind == "postgres":
            return _socket(place / f".s.PGSQL.{POSTGRES_PORT}")
        return _socket(place.with_suffix(".sock"))

    def folder(self, service: str) -> Path:
        """Return the folder PostgreSQL puts its socket into: libpq's ``host``."""
        return self.sockets / service

    def fill(self, text: str, passwords: Passwords) -> str:
        """Return an environment value with addresses and passwords filled in.

        ``load_spec`` has refused what could fail here.
        """
        values = {token(name): passwords.of(name) for name in passwords.values}
        return substitute(self.locate(text), values)

    def config(self, text: str) -> str:
        """Return a configuration file with its tokens resolved; comment lines stay as they are.

        Raises:
            TokenError: a token leads nowhere.
        """
        return "".join(map(self._config_line, text.splitlines(keepends=True)))

    def _config_line(self, line: str) -> str:
        if line.lstrip().startswith("#"):
            return line
        return _tokens(self._services).sub(lambda found: str(self._found(found)), line)

    def locate(self, text: str) -> str:
        """Return an environment value with its addresses filled in, passwords left as they are.

        Raises:
            TokenError: a token leads nowhere.
        """
        done, parts = 0, []
        for url in _URL.finditer(text):
            parts += [self._plain(text[done : url.start()]), self._url(*url.groups())]
            done = url.end()
        return "".join([*parts, self._plain(text[done:])])

    def _plain(self, text: str) -> str:
        def replace(found: re.Match[str]) -> str:
            address = self._found(found)
            if address.path:
                raise TokenError(f"write {found.group()} inside a URL: only URLs can name a socket")
            return str(address)

        return _tokens(self._services).sub(replace, text)

    def _url(self, scheme: str, authority: str, rest: str) -> str:
        user, at, hosts = authority.rpartition("@")
        first = _tokens(self._services).search(hosts)
        if first is None:
            return f"{scheme}://{authority}{rest}"
        base = scheme.partition("+")[0].lower()
        if base in _CACHE and self._services[first.group(1)].kind == "valkey":
            return self._cache_url(user + at, self._found(first), rest)

        def replace(found: re.Match[str]) -> str:
            address = self._found(found)
            if address.path is None:
                return str(address)
            if base in _DATABASE and self._services[found.group(1)].kind == "postgres":
                return f"{quote(str(address.path.parent), safe='')}:{POSTGRES_PORT}"
            raise TokenError(f"{scheme}:// cannot reach {found.group()}")

        return f"{scheme}://{user}{at}{_tokens(self._services).sub(replace, hosts)}{rest}"

    @staticmethod
    def _cache_url(user: str, address: Address, rest: str) -> str:
        path, _, query = rest.partition("?")
        database = path.strip("/")
        options = [f"db={database}"] if database else []
        options += [query] if query else []
        tail = "?" + "&".join(options) if options else ""
        return f"unix://{user}{quote(str(address.path))}{tail}"

    def _found(self, found: re.Match[str]) -> Address:
        service, port = found.group(1), int(found.group(2))
        listens(self._services[service], port)
        for route in self._routes:
            if (route.source, route.target, route.port) == (self._client, service, port):
                return self.through(route)
        return self.of(service, port)


def listens(spec: ServiceSpec, port: int) -> None:
    """Check that ``spec`` listens on the container port ``port``.

    Raises:
        TokenError: it does not.
    """
    if spec.port is None and spec.kind != "haproxy":
        raise TokenError(f"{spec.name}:{port} leads nowhere: {spec.name} listens on no port")
    if spec.kind != "haproxy" and port != spec.port:  # HAProxy's own file says where it listens
        raise TokenError(f"{spec.name}:{port} leads nowhere: {spec.name} listens on {spec.port}")


def check(text: str, services: Mapping[str, ServiceSpec], *, config: bool = False) -> None:
    """Check that every token of an environment value (or of a line of a file) can be resolved.

    Raises:
        TokenError: one cannot.
    """
    anywhere = Addresses(
        Spec("", services), Path("/s"), {name: 1 for name, each in services.items() if each.tcp}
    )
    anywhere.config(text) if config else anywhere.locate(text)


def references(text: str, services: Mapping[str, ServiceSpec]) -> Iterator[tuple[str, int]]:
    """Yield the service and port of every token in ``text``."""
    for found in _tokens(services).finditer(text):
        yield found.group(1), int(found.group(2))


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with ``${NAME}`` replaced from ``values`` and ``$$`` by a dollar.

    Raises:
        TokenError: a variable that is not in ``values``, or a stray dollar.
    """

    def replace(found: re.Match[str]) -> str:
        if found.group() == "$$":
            return "$"
        name = found.group(1) or found.group(2)
        if name is None:
            raise TokenError("a lone $: write $$ for a dollar sign")
        if name not in values:
            known = ", ".join(f"${{{each}}}" for each in values)
            raise TokenError(f"{found.group()} is not known; known are {known}")
        return values[name]

    return _VARIABLE.sub(replace, text)


def _socket(path: Path) -> Address:
    if len(str(path).encode()) > MAX_SOCKET_PATH:
        raise ResourceError(
            f"{path} is too long for a unix socket",
            hint="Set XDG_RUNTIME_DIR to a folder with a short path.",
        )
    return Address(path=path)


def _tokens(services: Mapping[str, ServiceSpec]) -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, services), key=len, reverse=True))
    return re.compile(rf"(?<![\w.-])({names}):(\d{{1,5}})(?![\w.-])")
