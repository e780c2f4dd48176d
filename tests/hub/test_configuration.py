"""The hubs' configuration loads as a hub loads it, and says what it must; no engine is needed."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from dockerspawner import DockerSpawner, SwarmSpawner
from engine import ROOT
from jupyterhub.app import JupyterHub

from jupyter_sysdesign import __version__


class Network:
    """The one thing the configuration asks an engine for."""

    def __init__(self):
        self.made = []

    def list(self, names):
        return [SimpleNamespace(id="n")] if self.made else []

    def create(self, name, **options):
        self.made.append((name, options))

    def get(self, _):
        return SimpleNamespace(attrs={"IPAM": {"Config": [{"Gateway": "10.9.8.1"}]}})


@pytest.fixture
def network(monkeypatch):
    made = Network()
    monkeypatch.setattr("docker.from_env", lambda: SimpleNamespace(networks=made))
    return made


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Return what a person's own file that loads one of ours amounts to."""

    def loaded(name, **environment):
        for key, value in {"SYSDESIGN_HUB_DATA": str(tmp_path), **environment}.items():
            monkeypatch.setenv(key, value)
        mine = tmp_path / "mine.py"
        mine.write_text(f"c = get_config()\nload_subconfig({str(ROOT / 'hub' / name)!r})\n")
        hub = JupyterHub()
        hub.load_config_file(str(mine))
        return hub.config

    monkeypatch.setattr(sys, "path", [*sys.path])
    return loaded


def spawner(kind, config, number=7, name="ann"):
    user = SimpleNamespace(id=number, name=name, settings={})
    return kind(config=config, hub=None, user=user)


def test_one_machine(load, network):
    config = load("machine.py")
    ((name, options),) = network.made
    assert name == "sysdesign-hub"
    assert options["options"]["com.docker.network.bridge.enable_icc"] == "false"
    assert config.JupyterHub.hub_ip == config.JupyterHub.hub_connect_ip == "10.9.8.1"
    assert config.JupyterHub.cleanup_servers is False
    made = spawner(DockerSpawner, config)
    assert made.image == f"jupyter-sysdesign/singleuser:{__version__}"
    assert made.mem_limit == 2 << 30
    assert made.extra_create_kwargs(made)["user"] == "20007:100"
    held = made.extra_host_config(made)
    assert held["read_only"]
    assert held["cap_drop"] == ["ALL"]
    assert "docker.sock" not in str(made.volumes) + str(held)
    with pytest.raises(RuntimeError, match="no more user ids"):
        made.extra_create_kwargs(spawner(DockerSpawner, config, number=10_000))


def test_a_swarm(load):
    config = load("swarm.py", SYSDESIGN_HUB_MEMORY="1G")
    made = spawner(SwarmSpawner, config)
    assert made.mem_limit == 1 << 30
    config.Spawner.pre_spawn_hook(made)
    held = made.extra_container_spec
    assert held["user"] == "20007:100"
    assert held["cap_drop"] == ["ALL"]
    assert {each["Target"]: each["Type"] for each in held["mounts"]} == {
        "/home/jovyan": "volume",
        "/srv/exchange": "volume",
        "/tmp": "tmpfs",
    }
    assert made.extra_endpoint_spec == {"mode": "dnsrr"}


@pytest.mark.parametrize("name", ["machine.py", "swarm.py"])
def test_nobody_is_let_in_by_itself(load, network, name):
    config = load(name, SYSDESIGN_HUB_IDLE_S="120")
    assert "authenticator_class" not in config.JupyterHub
    assert "allow_all" not in config.Authenticator
    (culler,) = config.JupyterHub.services
    assert "--timeout=120" in culler["command"]
    assert "admin" not in str(config.JupyterHub.load_roles)
