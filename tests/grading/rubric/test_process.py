"""An answer is marked in a process of its own, which says in words why it cannot."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from grading.rubric.conftest import ANSWERS

from jupyter_sysdesign.errors import UnavailableError
from jupyter_sysdesign.grading.rubric import process

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = next(each for each in ANSWERS if each.question.id == "messenger" and each.label == "good")


def test_evidence_comes_back_from_the_process():
    marking = process.mark(GOOD.question, GOOD.text)
    assert marking.criteria[0].found == "yes"
    assert "where it hurts" in marking.criteria[0].quote
    assert marking.by == "sentences"


def test_a_model_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SYSDESIGN_RUBRIC_MODEL", "nobody:nothing")
    with pytest.raises(UnavailableError) as caught:
        process.mark(GOOD.question, GOOD.text)
    assert "nobody:nothing" in caught.value.message


def test_a_process_that_breaks_down_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "module_command", lambda _: [sys.executable, "-c", "1 / 0"])
    with pytest.raises(UnavailableError, match="without a result"):
        process.mark(GOOD.question, GOOD.text)


def test_it_ends_with_the_one_that_asked():
    marker = subprocess.Popen(
        process.module_command("jupyter_sysdesign.grading.rubric"), stdin=subprocess.PIPE
    )
    assert marker.stdin is not None
    marker.stdin.close()
    assert marker.wait(60) != 0


@pytest.fixture
def compatible() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that speaks OpenAI's protocol, gives two points and quotes the first words."""
    heard: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append(asked)
            document = json.loads(asked["messages"][-1]["content"])
            quote = " ".join(document["learners_answer"].split()[:5])
            said = json.dumps({"points": 2, "quotes": [quote], "why": "So."})
            tool = {"name": asked["tools"][0]["function"]["name"], "arguments": said}
            call = {"id": "1", "type": "function", "function": tool}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            body = json.dumps(
                {
                    "id": "1", "object": "chat.completion", "created": 1, "model": "m",
                    "choices": [choice], "usage": usage,
                }
            ).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", heard
        server.shutdown()
        thread.join()


def test_any_server_that_speaks_openais_protocol(
    compatible: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
):
    url, heard = compatible
    monkeypatch.setenv("SYSDESIGN_RUBRIC_MODEL", "openai-chat:some-model")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    marking = process.mark(GOOD.question, GOOD.text)
    assert marking.by == "openai-chat:some-model"
    assert len(heard) == len(GOOD.question.rubric)
    assert {each["model"] for each in heard} == {"some-model"}
    assert marking.points == marking.max_points == 2  # two points wanted for each, one is the most
    assert any("outside" in each for each in marking.for_a_person)
    assert GOOD.text[:20] in marking.criteria[0].quote
