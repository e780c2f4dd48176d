"""service:port tokens: how each client gets an address it understands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg.conninfo
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.environment.addresses import Address, Addresses, TokenError, substitute
from jupyter_sysdesign.environment.passwords import Passwords
from jupyter_sysdesign.environment.spec import Route, ServiceSpec, Spec
from jupyter_sysdesign.errors import ResourceError

SPEC = Spec(
    "made-up",
    {
        "db": ServiceSpec("db", "postgres", port=5432),
        "db-replica": ServiceSpec("db-replica", "postgres", port=5432),
        "cache": ServiceSpec("cache", "valkey", port=6379),
        "app": ServiceSpec("app", "python", port=8000),
        "web": ServiceSpec("web", "python", port=8000, tcp=True),
        "lb": ServiceSpec("lb", "haproxy", port=8080, ports=(8080,), tcp=True),
    },
)
ADDRESSES = Addresses(SPEC, Path("/run/x y/i"), {"web": 41001, "lb": 41002})
PASSWORDS = Passwords({name: {"app": f"secret-{name}"} for name in SPEC.services})


def fill(text: str) -> str:
    return ADDRESSES.fill(text, PASSWORDS)


def test_libpq_reads_the_database_url() -> None:
    url = fill("postgresql://shop:${SYSDESIGN_PASSWORD_DB}@db:5432/shop?connect_timeout=5")
    assert psycopg.conninfo.conninfo_to_dict(url) == {
        "user": "shop",
        "password": "secret-db",
        "host": "/run/x y/i/db",
        "port": "5432",
        "dbname": "shop",
        "connect_timeout": "5",
    }


def test_marked_links_lead_to_the_proxy_for_their_source_only() -> None:
    routes = (
        Route("app", "db", 5432),
        Route("lb", "app", 8000),
        Route("app", "web", 8000, tcp=True),
        Route("app", "cache", 6379),
    )
    spec = replace(SPEC, routes=routes)
    ports = {"web": 41001, "lb": 41002, "app>web:8000": 41003}
    addresses = Addresses(spec, Path("/run/x y/i"), ports)
    app = addresses.seen_by("app")
    assert app.locate("postgresql://shop@db:5432,db-replica:5432/shop") == (
        "postgresql://shop@%2Frun%2Fx%20y%2Fi%2F~0:5432,%2Frun%2Fx%20y%2Fi%2Fdb-replica:5432/shop"
    )
    assert app.locate("redis://cache:6379/1") == "unix:///run/x%20y/i/~3.sock?db=1"
    assert app.locate("http://web:8000/") == "http://127.0.0.1:41003/"
    assert addresses.seen_by("lb").config("server a app:8000") == "server a unix@/run/x y/i/~1.sock"
    assert addresses.seen_by("web").locate("http://web:8000/") == "http://127.0.0.1:41001/"
    assert addresses.of("db").path == Path("/run/x y/i/db/.s.PGSQL.5432")


def test_several_hosts_in_one_url() -> None:
    url = fill("postgresql+psycopg://shop@db:5432,db-replica:5432/shop")
    assert url == (
        "postgresql+psycopg://shop@%2Frun%2Fx%20y%2Fi%2Fdb:5432,"
        "%2Frun%2Fx%20y%2Fi%2Fdb-replica:5432/shop"
    )


def test_redis_reads_the_cache_url() -> None:
    url = fill("redis://:${SYSDESIGN_PASSWORD_CACHE}@cache:6379/2?socket_timeout=3")
    settings = redis.connection.parse_url(url)
    assert settings.pop("connection_class") is redis.UnixDomainSocketConnection
    assert settings == {
        "path": "/run/x y/i/cache.sock",
        "password": "secret-cache",
        "db": 2,
        "socket_timeout": 3.0,
    }


def test_http_gets_the_port_on_this_machine() -> None:
    assert fill("http://web:8000/a?b=web:8000x") == "http://127.0.0.1:41001/a?b=web:8000x"
    assert fill("web:8000, http://lb:8080") == "127.0.0.1:41001, http://127.0.0.1:41002"


def test_what_is_no_token_stays() -> None:
    for text in ("mydb:5432", "db:5432x", "http://db.example.com:5432/", "a.db:5432", "db", "x:1"):
        assert fill(text) == text


def test_a_password_is_never_taken_for_a_token() -> None:
    passwords = Passwords({name: {"app": "web:8000"} for name in SPEC.services})
    assert ADDRESSES.fill("x=${SYSDESIGN_PASSWORD_DB}", passwords) == "x=web:8000"


def test_dollars() -> None:
    assert substitute("a$$b ${X} $X", {"X": "1"}) == "a$b 1 1"
    for wrong in ("${Y}", "$Y", "$ 5", "${X:-1}"):
        with pytest.raises(TokenError):
            substitute(wrong, {"X": "1"})


def test_tokens_that_lead_nowhere_are_refused() -> None:
    for wrong in ("http://app:8000", "app:8000", "redis://db:5432", "postgresql://db:1/x"):
        with pytest.raises(TokenError):
            fill(wrong)


def test_haproxy_gets_sockets_and_ports_and_every_line_stays_in_place() -> None:
    text = "backend b\n  # app:8000\n\n  server a app:8000 check\r\n  server w web:8000\n"
    assert ADDRESSES.config(text) == (
        "backend b\n  # app:8000\n\n  server a unix@/run/x y/i/app.sock check\r\n"
        "  server w 127.0.0.1:41001\n"
    )


@given(st.text(st.sampled_from("adbw:580 \n\t#/@."), max_size=60))
def test_config_files_keep_their_number_of_lines(text: str) -> None:
    try:
        resolved = ADDRESSES.config(text)
    except TokenError:
        return
    assert resolved.count("\n") == text.count("\n")


def test_a_path_too_long_for_a_socket_is_said() -> None:
    with pytest.raises(ResourceError, match="too long for a unix socket"):
        Addresses(SPEC, Path("/" + "x" * 100), {}).of("db")


def test_addresses_say_themselves() -> None:
    assert str(ADDRESSES.of("web")) == "127.0.0.1:41001"
    assert ADDRESSES.of("app") == Address(path=Path("/run/x y/i/app.sock"))
