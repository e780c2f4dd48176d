"""The Kubernetes values: every key there is one of the chart's, with a value of its type.

No cluster is here to try them on. So each key stands below with what the chart's configuration
reference says of it (chart 4.4, the section named); what is written there by a wrong name, which
Helm refuses only on the day of the deployment, is red here. ``KubeSpawner``: its own reference.
"""

from __future__ import annotations

import importlib.util
import re
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from engine import ROOT

VALUES = ROOT / "hub" / "kubernetes.yaml"

TEXT, YES_NO, WHOLE, NUMBER, MEMORY = "text", "yes or no", "whole", "number", "memory"

#: key → (type of its value, where the chart's reference tells of it).
SCHEMA: dict[str, tuple[str, str]] = {
    "hub.concurrentSpawnLimit": (WHOLE, "hub.concurrentSpawnLimit"),
    "hub.extraConfig.*": (TEXT, "hub.extraConfig: names are free, values are Python"),
    "singleuser.image.name": (TEXT, "singleuser.image.name"),
    "singleuser.image.tag": (TEXT, "singleuser.image.tag"),
    "singleuser.image.pullPolicy": ("one of IfNotPresent Always Never", "…image.pullPolicy"),
    "singleuser.defaultUrl": (TEXT, "singleuser.defaultUrl"),
    "singleuser.startTimeout": (WHOLE, "singleuser.startTimeout"),
    "singleuser.memory.guarantee": (MEMORY, "singleuser.memory"),
    "singleuser.memory.limit": (MEMORY, "singleuser.memory"),
    "singleuser.cpu.guarantee": (NUMBER, "singleuser.cpu"),
    "singleuser.cpu.limit": (NUMBER, "singleuser.cpu"),
    "singleuser.allowPrivilegeEscalation": (YES_NO, "singleuser.allowPrivilegeEscalation"),
    "singleuser.fsGid": (WHOLE, "singleuser.fsGid"),
    "singleuser.extraEnv.*": (TEXT, "singleuser.extraEnv, basic notation: literal text"),
    "singleuser.storage.type": ("one of dynamic static none", "singleuser.storage.type"),
    "singleuser.storage.capacity": (MEMORY, "singleuser.storage.capacity"),
    "singleuser.storage.homeMountPath": (TEXT, "singleuser.storage.homeMountPath"),
    "singleuser.storage.extraVolumes.*.name": (TEXT, "…extraVolumes: a volume of Kubernetes"),
    "singleuser.storage.extraVolumes.*.persistentVolumeClaim.claimName": (TEXT, "Kubernetes"),
    "singleuser.storage.extraVolumes.*.emptyDir.sizeLimit": (MEMORY, "Kubernetes"),
    "singleuser.storage.extraVolumeMounts.*.name": (TEXT, "…extraVolumeMounts: of Kubernetes"),
    "singleuser.storage.extraVolumeMounts.*.mountPath": (TEXT, "Kubernetes"),
    "singleuser.profileList.[].display_name": (TEXT, "KubeSpawner.profile_list"),
    "singleuser.profileList.[].description": (TEXT, "KubeSpawner.profile_list"),
    "singleuser.profileList.[].default": (YES_NO, "KubeSpawner.profile_list"),
    "singleuser.profileList.[].kubespawner_override.mem_guarantee": (MEMORY, "KubeSpawner"),
    "singleuser.profileList.[].kubespawner_override.mem_limit": (MEMORY, "KubeSpawner"),
    "singleuser.profileList.[].kubespawner_override.cpu_guarantee": (NUMBER, "KubeSpawner"),
    "singleuser.profileList.[].kubespawner_override.cpu_limit": (NUMBER, "KubeSpawner"),
    "singleuser.networkPolicy.enabled": (YES_NO, "singleuser.networkPolicy.enabled"),
    "singleuser.networkPolicy.egressAllowRules.cloudMetadataServer": (YES_NO, "…egressAllowRules"),
    "singleuser.networkPolicy.egressAllowRules.privateIPs": (YES_NO, "…egressAllowRules"),
    "singleuser.networkPolicy.egressAllowRules.nonPrivateIPs": (YES_NO, "…egressAllowRules"),
    "singleuser.cloudMetadata.blockWithIptables": (YES_NO, "singleuser.cloudMetadata: required"),
    "singleuser.cloudMetadata.ip": (TEXT, "singleuser.cloudMetadata: required"),
    "cull.enabled": (YES_NO, "cull.enabled: required"),
    "cull.timeout": (WHOLE, "cull.timeout"),
    "cull.every": (WHOLE, "cull.every"),
    "cull.users": (YES_NO, "cull.users"),
    "prePuller.hook.enabled": (YES_NO, "prePuller.hook: required"),
    "prePuller.continuous.enabled": (YES_NO, "prePuller.continuous: required"),
    "scheduling.userScheduler.enabled": (YES_NO, "scheduling.userScheduler.enabled"),
}

#: What the reference calls required of a section, wherever the section is written at all.
REQUIRED = {
    "singleuser.image": {"name", "tag"},
    "singleuser.storage": {"type", "homeMountPath"},
    "singleuser.cloudMetadata": {"blockWithIptables", "ip"},
    "cull": {"enabled"},
    "prePuller": {"hook", "continuous"},
}


def values() -> dict[str, Any]:
    return yaml.safe_load(VALUES.read_text())


def leaves(found: Any, path: tuple[str, ...] = ()):
    """Yield each value and the path to it; all members of a list have one path."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from leaves(value, (*path, key))
    elif isinstance(found, list):
        for value in found:
            yield from leaves(value, (*path, "[]"))
    else:
        yield path, found


def entry(path: tuple[str, ...]) -> str | None:
    for name in SCHEMA:
        wanted = name.split(".")
        if len(wanted) == len(path) and all(
            one in ("*", other) for one, other in zip(wanted, path, strict=True)
        ):
            return name
    return None


def fits(kind: str, value: Any) -> bool:
    if kind.startswith("one of "):
        return value in kind.split()[2:]
    if kind == YES_NO:
        return isinstance(value, bool)
    if kind == TEXT:
        return isinstance(value, str) and bool(value)
    if kind == MEMORY:
        return isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?([KMGT]i?)", value) is not None
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole or (kind == NUMBER and isinstance(value, float))


def mistakes(document: dict[str, Any]) -> list[str]:
    """Return what the chart would not understand."""
    found = []
    for path, value in leaves(document):
        name = entry(path)
        if name is None:
            found.append(f"{'.'.join(path)} is no key of the chart")
        elif not fits(SCHEMA[name][0], value):
            found.append(f"{'.'.join(path)} is {value!r}, and should be {SCHEMA[name][0]}")
    for section, keys in REQUIRED.items():
        part: Any = document
        for name in section.split("."):
            part = part.get(name, {})
        if part and (missing := keys - set(part)):
            found.append(f"{section} needs {', '.join(sorted(missing))}")
    return found


def test_the_chart_understands_every_value():
    assert mistakes(values()) == []


def test_nothing_stands_in_the_schema_that_is_not_used():
    assert {entry(path) for path, _ in leaves(values())} == set(SCHEMA)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found["singleuser"].update(memoryLimit="2G"), "memoryLimit is no key"),
        (lambda found: found["cull"].update(timeout="3600"), "should be whole"),
        (lambda found: found["singleuser"]["memory"].update(limit="2 GB"), "should be memory"),
        (lambda found: found["singleuser"]["image"].update(tag=0.1), "should be text"),
        (lambda found: found["singleuser"]["cloudMetadata"].pop("ip"), "needs ip"),
        (lambda found: found["prePuller"].pop("hook"), "needs hook"),
        (lambda found: found["singleuser"]["storage"].update(type="nfs"), "should be one of"),
    ],
)
def test_a_wrong_value_is_noticed(change, said):
    document = values()
    change(document)
    assert any(said in each for each in mistakes(document))


def test_what_the_hub_runs_is_what_the_other_hubs_run():
    """The snippet gives the same user ids as hub/identity.py, and no more than the image has."""
    spec = importlib.util.spec_from_file_location("identity", ROOT / "hub" / "identity.py")
    identity = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(identity)
    given = SimpleNamespace(KubeSpawner=SimpleNamespace())
    for snippet in values()["hub"]["extraConfig"].values():
        exec(compile(snippet, "extraConfig", "exec"), {"c": given})
    for number in (1, 77, 9_999):
        spawner = SimpleNamespace(user=SimpleNamespace(id=number))
        assert given.KubeSpawner.uid(spawner) == identity.uid(spawner)
    with pytest.raises(RuntimeError):
        given.KubeSpawner.uid(SimpleNamespace(user=SimpleNamespace(id=10_000)))
    image = (ROOT / "hub" / "image" / "Dockerfile").read_text()
    assert f"seq {identity.FIRST_UID} {identity.LAST_UID}" in image


def test_everything_mounted_has_a_volume():
    storage = values()["singleuser"]["storage"]
    volumes = {each["name"] for each in storage["extraVolumes"].values()}
    assert {each["name"] for each in storage["extraVolumeMounts"].values()} == volumes
