"""Requests and their times are functions of seed and number alone."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sysdesign.errors import InvalidRequestError
from jupyter_sysdesign.load.arrivals import arrivals
from jupyter_sysdesign.load.plan import NS, Level
from jupyter_sysdesign.load.profile import parse_profile
from jupyter_sysdesign.load.requests import RequestStream
from jupyter_sysdesign.load.target import Target

TARGET = Target("127.0.0.1", 8000)


def stream(
    mix: list[dict[str, Any]], parameters: dict[str, Any] | None = None, *, seed: int = 1
) -> RequestStream[int]:
    document = {"connections": 1, "duration_s": 1, "mix": mix, "parameters": parameters or {}}
    plan = parse_profile(document).plan(TARGET, seed=seed)
    places = range(len(mix))
    return RequestStream(
        plan["mix"], plan["parameters"], places, seed=seed, authority=TARGET.authority
    )


def take(source: RequestStream[int], count: int) -> list[tuple[bytes, int]]:
    taken: list[tuple[bytes, int]] = []
    while len(taken) < count:
        taken += source.next()
    return taken[:count]


def paths(taken: list[tuple[bytes, int]]) -> list[str]:
    return [payload.split(b" ")[1].decode() for payload, _ in taken]


def test_a_request_is_exactly_what_was_asked_for():
    mix = [
        {
            "name": "buy",
            "method": "PUT",
            "path": "/o/{n}?x=1",
            "headers": {"X-N": "n={n}"},
            "body": {"n": "{n}", "text": "<{n}>"},
        }
    ]
    ((payload, endpoint),) = take(stream(mix, {"n": {"choice": [7]}}), 1)
    head, body = payload.split(b"\r\n\r\n")
    assert endpoint == 0
    assert head.decode().split("\r\n") == [
        "PUT /o/7?x=1 HTTP/1.1",
        "Host: 127.0.0.1:8000",
        "X-N: n=7",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    assert json.loads(body) == {"n": 7, "text": "<7>"}


@pytest.mark.parametrize(
    ("request_", "ending"),
    [
        ({"method": "GET"}, b"Host: 127.0.0.1:8000\r\n\r\n"),
        ({"method": "POST"}, b"Content-Length: 0\r\n\r\n"),
        ({"method": "DELETE"}, b"Host: 127.0.0.1:8000\r\n\r\n"),
        ({"method": "POST", "body": []}, b"Content-Length: 2\r\n\r\n[]"),
        ({"method": "POST", "body": "né"}, b"Content-Length: 3\r\n\r\nn\xc3\xa9"),
        ({"method": "POST", "body": "{v}"}, b"Content-Length: 4\r\n\r\ntrue"),
        ({"method": "POST", "body": ["{v}", "{v}!"]}, b'\r\n\r\n[true,"true!"]'),
    ],
)
def test_bodies_and_their_lengths(request_: dict[str, Any], ending: bytes):
    mix = [{"name": "x", "path": "/", **request_}]
    ((payload, _),) = take(stream(mix, {"v": {"choice": [True]}}), 1)
    assert payload.endswith(ending)


def test_values_that_are_equal_and_written_differently_stay_apart():
    mix = [{"name": "a", "path": "/a?x={x}&y={y}&z={z}"}]
    values = {"x": {"choice": [1.0]}, "y": {"choice": [True]}, "z": {"choice": [1]}}
    assert paths(take(stream(mix, values), 1)) == ["/a?x=1.0&y=true&z=1"]


def test_a_content_type_of_ones_own_is_kept():
    mix = [
        {
            "name": "x",
            "method": "POST",
            "path": "/",
            "body": "a,b",
            "headers": {"content-type": "text/csv"},
        }
    ]
    ((payload, _),) = take(stream(mix), 1)
    assert payload.count(b"ontent-") == 2
    assert b"content-type: text/csv\r\n" in payload


PARAMETERS = {
    "a": {"integer": {"from": -5, "to": 5}},
    "b": {"choice": ["x", "y"], "weights": [9, 1]},
    "z": {"zipf": {"from": 1, "to": 1000, "s": 1.2}},
    "s": {"sequence": {"from": 10}},
}
MIX = [
    {"name": "one", "path": "/{a}/{b}", "weight": 8},
    {"name": "two", "path": "/{z}/{s}", "weight": 2},
    {"name": "fixed", "path": "/fixed", "weight": 0.5},
]


@given(st.integers(0, 2**63 - 1))
def test_the_same_seed_gives_the_same_requests(seed: int):
    assert take(stream(MIX, PARAMETERS, seed=seed), 100) == take(
        stream(MIX, PARAMETERS, seed=seed), 100
    )


def test_other_seeds_give_others_and_no_block_repeats():
    many = take(stream(MIX, PARAMETERS, seed=1), 5000)
    assert many[:1000] != take(stream(MIX, PARAMETERS, seed=2), 1000)
    assert many[:1024] != many[1024:2048]


def test_a_renamed_or_moved_parameter_nobody_uses_changes_nothing():
    shuffled = {name: PARAMETERS[name] for name in reversed(PARAMETERS)}
    shuffled["unused"] = {"choice": [1, 2]}
    assert take(stream(MIX, shuffled), 500) == take(stream(MIX, PARAMETERS), 500)


def test_shares_and_distributions_are_what_the_profile_says():
    taken = take(stream(MIX, PARAMETERS), 21_000)
    share = Counter(place for _, place in taken)
    assert [share[place] / 2000 for place in range(3)] == pytest.approx([8, 2, 0.5], rel=0.1)
    found = [path.split("/")[1:] for path in paths(taken)]
    pairs = [each for each, (_, place) in zip(found, taken, strict=True) if place == 0]
    integers = Counter(int(a) for a, _ in pairs)
    assert sorted(integers) == list(range(-5, 6))
    assert max(integers.values()) / min(integers.values()) < 1.3
    letters = Counter(b for _, b in pairs)
    assert letters["x"] / letters["y"] == pytest.approx(9, rel=0.15)
    ranks = Counter(
        int(each[0]) for each, (_, place) in zip(found, taken, strict=True) if place == 1
    )
    assert ranks[1] / ranks[2] == pytest.approx(2**1.2, rel=0.2)
    assert max(ranks) <= 1000


def test_a_sequence_numbers_the_requests_of_the_run():
    found = [
        int(path[1:])
        for path in paths(take(stream([{"name": "s", "path": "/{s}"}], PARAMETERS), 3000))
    ]
    assert found == list(range(10, 3010))


# --- arrivals ---------------------------------------------------------------------------------

rates = st.floats(0, 2000)
levels = st.lists(
    st.tuples(st.floats(0.05, 2), rates, rates).map(lambda each: Level(*each)),
    min_size=1,
    max_size=4,
)


@given(levels)
def test_constant_arrivals_follow_the_integral_of_the_rate(stages: list[Level]):
    due = list(arrivals(stages, poisson=False, seed=1))
    expected = sum((stage.start + stage.end) / 2 * stage.duration_s for stage in stages)
    assert abs(len(due) - expected) <= 1
    assert due == sorted(due)
    if due:
        assert due[0] >= 0
        assert due[-1] <= sum(stage.duration_s for stage in stages) * NS + 1
    begin = 0.0
    for stage in stages:  # and stage by stage
        end = begin + stage.duration_s
        inside = sum(begin * NS <= each < end * NS for each in due)
        assert abs(inside - (stage.start + stage.end) / 2 * stage.duration_s) <= 2
        begin = end


def test_a_constant_rate_is_evenly_spaced():
    due = list(arrivals([Level(2, 2000, 2000)], poisson=False, seed=1))
    assert due == [round(number * NS / 2000) for number in range(4000)]


def test_poisson_arrivals_are_seeded_and_exponential():
    one = list(arrivals([Level(20, 500, 500)], poisson=True, seed=3))
    assert one == list(arrivals([Level(20, 500, 500)], poisson=True, seed=3))
    assert one != list(arrivals([Level(20, 500, 500)], poisson=True, seed=4))
    gaps = np.diff(one) / NS
    assert gaps.mean() == pytest.approx(1 / 500, rel=0.05)
    assert gaps.std() == pytest.approx(1 / 500, rel=0.05)  # an exponential's is its mean
    assert (gaps > 1 / 500).mean() == pytest.approx(np.exp(-1), rel=0.05)


def test_every_endpoint_has_its_share_in_a_short_run_too():
    rare = [
        {"name": "page", "path": "/page", "weight": 90},
        {"name": "report", "path": "/report", "weight": 10},
    ]
    for seed in range(100):
        places = [place for _, place in take(stream(rare, seed=seed), 192)]
        assert 18 <= sum(places) <= 24  # 19.2 of 192
        groups = [tuple(places[first : first + 32]) for first in range(0, 192, 32)]
        assert len(set(groups)) > 1  # and in no fixed order


def test_a_favourite_gets_its_share_and_the_others_stay_what_they_were():
    mix = [{"name": "read", "path": "/u/{user}"}]
    plain = {"user": {"integer": {"from": 1, "to": 1000}}}
    hot = {"user": {**plain["user"], "hot": {"share": 0.2, "from": 400, "to": 600}}}
    count = 20_000
    nobody = paths(take(stream(mix, hot), count))
    assert nobody == paths(take(stream(mix, plain), count))  # a check's traffic has no favourite
    hot["user"]["hot"]["key"] = 555
    mine = Counter(paths(take(stream(mix, hot), count)))
    assert 0.19 < mine["/u/555"] / count < 0.21
    assert len(mine) == 1000
    assert mine.most_common(2)[1][1] < 60


@pytest.mark.parametrize(
    "parameter",
    [
        {"choice": [1, 2], "hot": {"share": 0.5, "from": 1, "to": 2}},
        {"integer": {"from": 1, "to": 9}, "hot": {"share": 0.5, "from": 0, "to": 2}},
        {"integer": {"from": 1, "to": 9}, "hot": {"share": 0.5, "from": 5, "to": 10}},
        {"integer": {"from": 1, "to": 9}, "hot": {"share": 0.5, "from": 5, "to": 4}},
        {"integer": {"from": 1, "to": 9}, "hot": {"share": 1, "from": 1, "to": 2}},
        {"integer": {"from": 1, "to": 9}, "hot": {"share": 0, "from": 1, "to": 2}},
        {"integer": {"from": 1, "to": 9}, "hot": {"share": 0.5, "from": 1, "to": 2, "key": 10}},
        {"zipf": {"from": 1, "to": 9}, "hot": {"share": 0.5}},
    ],
)
def test_a_favourite_is_one_of_the_numbers(parameter: dict[str, Any]):
    with pytest.raises(InvalidRequestError):
        stream([{"name": "read", "path": "/u/{user}"}], {"user": parameter})
