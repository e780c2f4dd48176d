"""Which runtime an environment runs on, as the command line says it."""

from __future__ import annotations

import os

import pytest
from jupyter_server.services.config.manager import ConfigManager
from typer.testing import CliRunner

from jupyter_sysdesign.cli.app import app


@pytest.mark.docker
def test_an_environment_runs_where_it_is_told(sysdesign, tmp_path):
    up = sysdesign("env", "up", "tiny", "--runtime", "docker", "--json")["environment"]
    assert (up["state"], up["runtime"]) == ("ready", "docker")
    folder = tmp_path / "sysdesign" / "tiny"
    assert "ready on docker" in sysdesign("env", "status", cwd=folder)
    elsewhere = sysdesign("env", "up", "--runtime", "embedded", "--json", cwd=folder, code=2)
    assert elsewhere["error"]["code"] == "conflict"
    assert "docker runtime" in elsewhere["error"]["message"]
    run = sysdesign("load", "browse", "--json", cwd=folder)["run"]
    assert run["summary"]["ok"] == run["summary"]["requests"] > 0
    assert sysdesign("env", "reset", "--json", cwd=folder)["environment"]["runtime"] == "docker"
    sysdesign("env", "down", cwd=folder)
    back = sysdesign("env", "up", "--runtime", "embedded", "--json", cwd=folder)["environment"]
    assert (back["state"], back["runtime"]) == ("ready", "embedded")
    sysdesign("env", "down", cwd=folder)


@pytest.mark.docker
def test_a_check_runs_on_the_configured_runtime(sysdesign, monkeypatch):
    monkeypatch.setenv("SYSDESIGN_RUNTIME", "docker")
    sysdesign("open", "tiny")
    verdict = sysdesign("check", "tiny", "--json", code=1)
    assert verdict["status"] == "failed"
    # A crowded machine may leave what is timed unknown.
    assert {"passed", "failed"} <= {each["status"] for each in verdict["checks"]}


def test_a_runtime_that_there_is_not(sysdesign, monkeypatch):
    refused = sysdesign("env", "up", "tiny", "--runtime", "podman", "--json", code=2)
    assert refused["error"]["code"] == "invalid_request"
    monkeypatch.setenv("SYSDESIGN_RUNTIME", "podman")
    refused = sysdesign("verify", "tiny", "--json", code=2)
    assert "SYSDESIGN_RUNTIME is 'podman'" in refused["error"]["message"]


def test_without_an_engine_it_is_said_what_to_do(sysdesign, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    refused = sysdesign("env", "up", "tiny", "--runtime", "docker", "--json", code=3)
    assert refused["error"]["code"] == "missing_binary"
    assert "No Docker engine answers" in refused["error"]["message"]
    assert sysdesign("images", "list", "--json", code=3)["error"]["code"] == "missing_binary"
    found = {each["name"]: each for each in sysdesign("doctor", "--json")["findings"]}
    assert found["docker"]["level"] == "limited"
    monkeypatch.setenv("SYSDESIGN_RUNTIME", "docker")
    found = {each["name"]: each for each in sysdesign("doctor", "--json", code=1)["findings"]}
    assert found["docker"]["level"] == "missing"


@pytest.mark.docker
def test_the_images_that_there_are(sysdesign):
    images = sysdesign("images", "list", "--json")["images"]
    assert len(images) == 5
    assert all(each["size_bytes"] > 1_000_000 for each in images)
    found = {each["name"]: each for each in sysdesign("doctor", "--json")["findings"]}
    assert "docker.sock" in found["docker"]["found"]


def test_lab_has_the_runtime_as_its_setting(home, monkeypatch, tmp_path):
    started = []
    monkeypatch.setenv("SYSDESIGN_RUNTIME", "embedded")
    monkeypatch.setattr(os, "execve", lambda *given: started.append(given[2]))
    CliRunner().invoke(app, ["lab", "--root", str(tmp_path), "--runtime", "docker"])
    (environment,) = started
    assert environment["SYSDESIGN_RUNTIME"] == "docker"
    folders = environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    read = ConfigManager(read_config_path=[f"{each}/labconfig" for each in folders])
    settings = read.get("default_setting_overrides")
    assert settings["jupyter-sysdesign:settings"] == {"runtime": "docker"}
    assert settings["@jupyterlab/apputils-extension:notification"] == {"fetchNews": "false"}
