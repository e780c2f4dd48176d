from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jupyter_sysdesign import errors, paths
from jupyter_sysdesign.control import openapi

if TYPE_CHECKING:
    from conftest import Control

CHECKED_IN = Path(__file__).parents[2] / "openapi.json"
EXAMPLES = 15
# These take a second each when they are let through.
SLOW = ("create_environment", "start", "stop", "reset", "service", "delete")
SLOW_EXAMPLES = 6
IN_BETWEEN = ("preparing", "starting", "stopping")
# What changes most comes last.
LAST = ("start", "stop", "reset", "service", "delete")
# What says little about an environment that does not run.
FAULTS = ("inject_fault", "recover_fault", "play_faults", "stop_faults")
USES = ("apply", "drift", "sql", "start_run", "stop_run", *FAULTS, *LAST)


def test_the_checked_in_description_is_current() -> None:
    assert CHECKED_IN.read_text() == openapi.render(), (
        "run python -m jupyter_sysdesign.control.openapi > openapi.json"
    )


def test_every_refusal_has_the_same_form() -> None:
    document = json.loads(CHECKED_IN.read_text())
    problem = {"$ref": "#/components/schemas/Problem"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if status >= "400":
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == problem, (method, path, status)


def test_no_input_breaks_it_and_no_refused_one_changes_anything(control: Control) -> None:
    fuzz = Fuzz(control)
    fuzz.prepare()
    operations = [each.ok() for each in fuzz.schema.get_all_operations()]
    operations.sort(key=lambda each: LAST.index(name(each)) if name(each) in LAST else -1)
    for operation in operations:
        if name(operation) in USES:
            fuzz.start()
        fuzz.try_out(operation)
        fuzz.prepare()
    fuzz.http.close()
    assert fuzz.accepted > 50
    assert fuzz.refused > 100


def name(operation: Any) -> str:
    return operation.definition.raw["operationId"]


class Fuzz:
    """Sends generated requests to a real control plane with a real environment."""

    def __init__(self, control: Control) -> None:
        self.schema = schemathesis.openapi.from_dict(json.loads(CHECKED_IN.read_text()))
        self.root = control.folder / "root"
        self.root.mkdir()
        self.client = control.client(holder="fuzz")
        self.workspace = self.client.create_workspace("tiny", self.root / "tiny")
        self.http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(paths.control_socket())),
            # Whatever folder is asked for stays in the test's own.
            headers={"Sysdesign-Root": quote(str(self.root))},
            timeout=60,
        )
        self.known = {
            "lesson": "tiny",
            "workspace": self.workspace.id,
            "environment": self.workspace.id,
            "question": "how-many",
            "name": "app",
            "run": "",
            "fault": "",
            "schedule": "",
        }
        answer = self.http.get("http://control/v1/work")
        (self.root / "work.zip").write_bytes(answer.content)
        self.refused = self.accepted = 0

    def prepare(self) -> None:
        """Have the environment there, with nothing going on."""
        self.client.create_environment(self.workspace.id, start=False)
        self.settle()
        self.rest()

    def start(self) -> None:
        """Have it running."""
        self.client.create_environment(self.workspace.id, reuse=True)
        self.client.wait(self.workspace.id, ("ready", "degraded"))

    def rest(self) -> None:
        """End the run that is going on; remember that there was one."""
        for run in self.client.runs(self.workspace.id):
            self.known["run"] = run.id
            if run.state == "running":
                with contextlib.suppress(errors.ConflictError):  # it has just ended by itself
                    self.client.stop_run(self.workspace.id, run.id)
        for schedule in self.client.fault_schedules(self.workspace.id).schedules:
            self.known["schedule"] = schedule.id
            self.client.stop_faults(self.workspace.id, schedule.id)
        for fault in self.client.active_faults(self.workspace.id).faults:
            self.known["fault"] = fault.id
            self.client.recover_fault(self.workspace.id, fault.id)

    def settle(self) -> None:
        """Wait until no environment is on its way to another state."""
        while any(each.state.value in IN_BETWEEN for each in self.client.environments()):
            time.sleep(0.02)

    def try_out(self, operation: Any) -> None:
        """Send many requests of one operation."""

        @settings(
            max_examples=SLOW_EXAMPLES if name(operation) in SLOW else EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), named=st.booleans())
        def attempt(case: Any, named: bool) -> None:
            if named:
                for key, value in (case.path_parameters or {}).items():
                    case.path_parameters[key] = self.known.get(key, value)
            if isinstance(case.body, dict):
                self.tame(name(operation), case.body, named=named)
            self.send(case)

        attempt()

    def tame(self, operation: str, body: dict[str, Any], *, named: bool) -> None:
        """Make some bodies meaningful, and none of them slow."""
        if operation == "check":
            body["only"] = [*(body.get("only") or []), "no-such-check"]
        if named and "lesson" in body:
            body["lesson"] = "tiny"
        if named and "workspace" in body:
            body["workspace"] = self.workspace.id
        if named and operation == "import_work":
            body.update(file="work.zip", folder=None)
        if named and operation == "sql":
            body["statement"] = "SELECT 1"
            body.update(service="db", parameters=[])
        if named and operation == "inject_fault":
            body.update(fault="cpu-quota", service="app", link=None, arguments={}, for_s=None)
        if named and operation == "play_faults":
            body["steps"] = [{"at_s": 0, "fault": "cpu-quota", "service": "app"}]
        if named and operation == "start_run":
            body.update(profile="browse", custom=None, scale=1)

    def send(self, case: Any) -> None:
        """Send one request and judge the answer."""
        before = self.state()
        request = case.as_transport_kwargs(base_url="http://control")
        wanted = {"method", "url", "headers", "params", "json", "data", "content"}
        request = {key: value for key, value in request.items() if key in wanted}
        request["headers"] = dict(request.get("headers") or {})
        data = request.pop("data", None)
        if data is not None:
            request["content"] = data
        response = self.http.request(**request)
        case.validate_response(
            response,
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )
        if response.is_success:
            self.accepted += 1
            self.settle()
        else:
            self.refused += 1
            assert set(response.json()) == {"code", "message", "hint"}
            assert response.json()["message"]
            assert self.state() == before, response.text

    def state(self) -> dict[str, Any]:
        """Return all that a refused request must leave as it is."""
        environments = self.client.environments()
        has_runs = self.workspace.id in [each.id for each in environments]
        return {
            "environments": {
                each.id: (each.state, [(one.name, one.state) for one in each.services])
                for each in environments
            },
            "runs": [each.id for each in self.client.runs(self.workspace.id)] if has_runs else [],
            "workspaces": sorted(path.name for path in self.root.iterdir()),
            "files": {
                str(path): path.read_bytes()
                for path in sorted((self.root / "tiny").rglob("*"))
                if path.is_file()
            },
        }
