"""``load.yaml``: what is accepted, and that an error stands at its line."""

from __future__ import annotations

import socket
import textwrap
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_sysdesign.errors import InvalidFileError, InvalidRequestError
from jupyter_sysdesign.load.profile import load_profiles, parse_profile
from jupyter_sysdesign.load.target import Target

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
profiles:
  browse:
    description: Visitors look around
    mode: closed
    connections: 20
    duration_s: 5
    mix:
      - name: list
        weight: 3
        path: /products?category={category}&max_price={price}
      - name: buy
        method: POST
        path: /orders
        headers: {X-Client: "{category}"}
        body: {product: "{price}"}
        expect: [201]
    parameters:
      category: {choice: [toys, books]}
      price: {integer: {from: 10, to: 500}}
  rush:
    mode: open
    arrivals: poisson
    timeout_s: 2
    stages:
      - {duration_s: 2, rate: 50}
      - {duration_s: 3, rate: 500, ramp: true}
    mix:
      - {name: home, path: /}
"""

TARGET = Target("127.0.0.1", 8000)


def _load(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "load.yaml"
    path.write_text(text)
    return load_profiles(path, "environments/tiny/load.yaml")


def test_a_good_file(tmp_path: Path):
    profiles = _load(tmp_path, GOOD)
    assert list(profiles) == ["browse", "rush"]
    assert profiles["browse"].total_s == 5
    assert profiles["rush"].total_s == 5
    plan = profiles["rush"].plan(TARGET, seed=3, scale=2, run="r")
    assert plan["levels"] == [(2.0, 100.0, 100.0), (3.0, 100.0, 1000.0)]
    assert (plan["seed"], plan["run"], plan["timeout_s"]) == (3, "r", 2.0)
    plan = profiles["browse"].plan(TARGET, seed=1, scale=0.01)
    assert plan["levels"] == [(5.0, 1, 1)]


@pytest.mark.parametrize(
    ("good", "bad", "line", "says"),
    [
        ("connections: 20", "connections: -1", 5, "greater than or equal to 1"),
        ("connections: 20", "connections: 2001", 5, "less than or equal to 2000"),
        ("connections: 20", 'connections: "20"', 5, "valid integer"),
        ("connections: 20", "rate: 5", 5, "a closed loop has connections, not a rate"),
        ("connections: 20", "conections: 20", 5, "this key is not known"),
        ("duration_s: 5", "duration_s: 601", 6, "less than or equal to 600"),
        ("duration_s: 5", "duration_s: 0", 6, "greater than 0"),
        ("duration_s: 5", "duration_s: .inf", 6, "duration_s"),
        ("mode: closed", "mode: ajar", 4, "'closed' or 'open'"),
        ("weight: 3", "weight: 0", 9, "greater than 0"),
        ("weight: 3", "weight: .nan", 9, "finite"),
        ("path: /products", "path: products", 10, "a path starts with /"),
        ("path: /products", "path: http://x/products", 10, "a path starts with /"),
        (
            "category={category}",
            "category={categori}",
            10,
            "{categori} is not among the parameters",
        ),
        ("category={category}", "category={ category }", 10, "a parameter is written {name}"),
        ("/products?", "/my products?", 10, "' ' cannot stand in a path"),
        ("/products?", "/pröducts?", 10, "percent-encoded"),
        ("max_price={price}", "max_price={price}#top", 10, "no fragment"),
        ("- name: buy", "- name: list", 11, "two requests named 'list'"),
        ("method: POST", "method: FETCH", 12, "'GET', 'HEAD'"),
        ("method: POST", "method: GET", 15, "a GET request has no body"),
        ("X-Client:", "Content-Length:", 14, "set by the load engine"),
        ("X-Client:", "X Client:", 14, "headers"),
        ('"{category}"}', '"a\\nb"}', 14, "printable ASCII"),
        ("[toys, books]", '[toys, "bö"]', 14, "cannot stand in a header"),
        ("expect: [201]", "expect: [700]", 16, "less than or equal to 599"),
        ("expect: [201]", "expect: []", 16, "at least 1"),
        ("to: 500", "to: 5", 19, "'to' (5) is less than 'from' (10)"),
        ("{integer: {", "{zipf: {s: 0, ", 19, "greater than 0"),
        ("{choice: [toys, books]}", "{choise: [toys]}", 18, "this key is not known"),
        ("{choice: [toys, books]}", "{}", 18, "exactly one of"),
        ("{choice: [toys, books]}", "{choice: [a], weights: [1, 2]}", 18, "one for each value"),
        ("{choice: [toys, books]}", "{choice: [[a]]}", 18, "choice"),
        (
            "{duration_s: 2, rate: 50}",
            "{duration_s: 2, rate: -50}",
            25,
            "greater than or equal to 0",
        ),
        ("{duration_s: 2, rate: 50}", "{duration_s: 2}", 25, "needs rate"),
        (
            "{duration_s: 2, rate: 50}",
            "{duration_s: 2, rate: 1, connections: 1}",
            25,
            "no connections",
        ),
        ("{duration_s: 2, rate: 50}", "{duration_s: 599, rate: 1}", 24, "600 s at most"),
        ("timeout_s: 2", "rate: 50", 23, "the stages say"),
        ("timeout_s: 2", "duration_s: 9", 23, "the stages take 5 s"),
        ("rate: 500,", "rate: 50001,", 26, "less than or equal to 50000"),
        ("mode: open", "mode: closed", 22, "only an open loop has arrivals"),
        ("rush:", "browse:", 20, "duplicate key"),
        ("    mix:\n      - {name: home, path: /}", "    mix: []", 27, "at least 1"),
        ("mode: open", "mode: [open", 22, ""),
    ],
)
def test_an_error_says_what_and_where(tmp_path: Path, good: str, bad: str, line: int, says: str):
    assert good in GOOD
    with pytest.raises(InvalidFileError) as caught:
        _load(tmp_path, GOOD.replace(good, bad, 1))
    assert str(caught.value).startswith(f"environments/tiny/load.yaml:{line}: ") or says == ""
    assert says in str(caught.value) + caught.value.hint


def test_half_a_character_in_a_body_is_refused():
    mix = [{"name": "buy", "method": "POST", "path": "/", "body": {"note": "\ud800"}}]
    with pytest.raises(InvalidRequestError, match="half of a character"):
        parse_profile({"mode": "closed", "connections": 1, "duration_s": 1, "mix": mix})


def test_a_date_in_a_body_is_text_in_a_file_and_none_in_python(tmp_path: Path):
    mix = [{"name": "buy", "method": "POST", "path": "/", "body": {"day": date(2026, 1, 1)}}]
    profile = {"mode": "closed", "connections": 1, "duration_s": 1, "mix": mix}
    with pytest.raises(InvalidRequestError, match="dates and times in quotes"):
        parse_profile(profile)
    (found, *_) = _load(
        tmp_path, GOOD.replace('{product: "{price}"}', "{day: 2026-01-01}")
    ).values()
    assert found.mix[1].body == {"day": "2026-01-01"}


def test_all_errors_are_told_at_once(tmp_path: Path):
    text = GOOD.replace("connections: 20", "connections: -1").replace("weight: 3", "weight: 0")
    with pytest.raises(InvalidFileError) as caught:
        _load(tmp_path, text)
    assert caught.value.line == 5
    assert "line 9" in caught.value.hint


@pytest.mark.parametrize("text", ["", "profiles: {}", "profiles: 3", "- x", "other: {}"])
def test_a_file_without_profiles_is_none(tmp_path: Path, text: str):
    with pytest.raises(InvalidFileError):
        _load(tmp_path, textwrap.dedent(text))


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            {"mode": "open", "rate": -1, "duration_s": 1, "mix": [{"name": "a", "path": "/"}]},
            "rate",
        ),
        ({"mix": [{"name": "a", "path": "/"}], "duration_s": 1}, "needs connections"),
        ({"mode": "open", "mix": [{"name": "a", "path": "/"}], "duration_s": 1}, "needs a rate"),
        ({"connections": 1, "mix": [{"name": "a", "path": "/"}]}, "duration_s"),
        ({"connections": 1, "duration_s": 1, "mix": [{"name": "a", "path": "x"}]}, "mix.0.path"),
        (
            {"stages": [{"duration_s": 1, "connections": 0}], "mix": [{"name": "a", "path": "/"}]},
            "no stage",
        ),
        ({}, "mix"),
    ],
)
def test_a_profile_in_a_request_is_refused_with_the_place(document: dict[str, Any], says: str):
    with pytest.raises(InvalidRequestError) as caught:
        parse_profile(document)
    assert says in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("example.com", 80),
        ("10.0.0.1", 80),
        ("127.0.0.1", 0),
        ("127.0.0.1", 70_000),
        ("a\r\nb", 80),
    ],
)
def test_load_goes_to_this_machine_only(host: str, port: int):
    with pytest.raises(InvalidRequestError):
        Target(host, port)


def test_what_is_a_target():
    assert Target("localhost", 80).resolve() == (socket.AF_INET, ("127.0.0.1", 80))
    assert Target("::1", 80).resolve() == (socket.AF_INET6, ("::1", 80, 0, 0))
    assert Target("::1", 80).authority == "[::1]:80"
    assert Target("shop", 80, "/run/x.sock").resolve() == (socket.AF_UNIX, "/run/x.sock")
    assert Target("172.17.0.2", 80, anywhere=True).authority == "172.17.0.2:80"
