"""``sysdesign doctor``: what this machine has, what is missing, what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass

import typer
from rich.text import Text

from jupyter_sysdesign import paths
from jupyter_sysdesign.cli.output import DONE, FAILED, JsonFlag, command, emit, out
from jupyter_sysdesign.environment import binaries
from jupyter_sysdesign.errors import ResourceError

_GIB = 1 << 30
_NEEDED_MEMORY = _GIB
_NEEDED_DISK = 2 * _GIB


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        level: ``ok``, ``limited`` (works, with less) or ``missing`` (lessons will not run).
    """

    name: str
    level: str
    found: str
    hint: str = ""


@command
def doctor(*, as_json: JsonFlag = False) -> None:
    """Say what this machine has and what to install otherwise."""
    findings = [
        _system(),
        _python(),
        *_programs(),
        _docker(),
        _quotas(),
        _memory(),
        _disk(),
        *_templates(),
        _extension(),
        _prose(),
    ]
    healthy = all(each.level != "missing" for each in findings)
    if as_json:
        emit({"healthy": healthy, "findings": [asdict(each) for each in findings]})
    else:
        colour = {"ok": "green", "limited": "yellow", "missing": "red"}
        for each in findings:
            level = (f"{each.level:<8}", colour[each.level])
            out.print(Text.assemble(level, f" {each.name:<16} {each.found}"), soft_wrap=True)
            if each.hint:
                out.print(f"{'':<26}{each.hint}", soft_wrap=True)
    raise typer.Exit(DONE if healthy else FAILED)


def _prose() -> Finding:
    from jupyter_sysdesign.grading.rubric import embedding

    if embedding.installed():
        return Finding("sentence model", "ok", "evidence is looked for in prose")
    return Finding(
        "sentence model", "limited", "no evidence is looked for in prose", embedding.HINT
    )


def _system() -> Finding:
    found = f"{platform.system()} {platform.machine()}"
    if sys.platform == "darwin":
        return Finding(
            "system", "limited", found, "macOS has no CPU quotas: slow systems are less slow here."
        )
    if sys.platform != "linux":
        return Finding("system", "missing", found, "On Windows, work inside WSL2.")
    return Finding("system", "ok", found)


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} in {sys.prefix}")


def _programs() -> list[Finding]:
    return [
        Finding(
            each.program,
            "ok" if each.path else "missing" if each.program == "postgres" else "limited",
            f"{each.version} ({each.source}) {each.path}" if each.path else "not found",
            each.hint if each.path is None else "",
        )
        for each in binaries.report()
    ]


def _docker() -> Finding:
    """Look for the engine and its images; nobody needs them who does not ask for them."""
    from jupyter_sysdesign.environment.runtimes import choice
    from jupyter_sysdesign.environment.runtimes.docker import engine, images
    from jupyter_sysdesign.errors import SysdesignError

    wanted = choice.default() == choice.DOCKER
    without = "missing" if wanted else "limited"
    try:
        found = images.report()
    except SysdesignError as error:
        return Finding("docker", without, error.message, error.hint)
    for state, level in (("missing", without), ("outdated", "limited")):
        names = ", ".join(each.name for each in found if each.state == state)
        if names:
            hint = "`sysdesign images build` makes the images."
            return Finding("docker", level, f"{engine.url()}, {state}: {names}", hint)
    return Finding("docker", "ok", f"{engine.url()}, {len(found)} images")


def _quotas() -> Finding:
    if sys.platform == "linux":
        return Finding("cpu quotas", "ok", f"by pausing processes, {os.cpu_count()} cores")
    return Finding("cpu quotas", "limited", "none", "Lessons run, with weaker symptoms.")


def _memory() -> Finding:
    import psutil

    free = psutil.virtual_memory().available
    found = f"{free / _GIB:.1f} GiB available"
    if free < _NEEDED_MEMORY:
        return Finding("memory", "limited", found, "Close something: a lesson wants 1 GiB.")
    return Finding("memory", "ok", found)


def _disk() -> Finding:
    try:
        home = paths.home()
    except ResourceError as error:
        return Finding("disk", "missing", error.message, error.hint)
    free = shutil.disk_usage(home).free
    found = f"{free / _GIB:.1f} GiB free in {home}"
    if free < _NEEDED_DISK:
        return Finding(
            "disk", "limited", found, "Lessons want 2 GiB; SYSDESIGN_HOME can name another place."
        )
    return Finding("disk", "ok", found)


def _templates() -> list[Finding]:
    """Look at the seeded data that came with an image, where there should be some."""
    from jupyter_sysdesign.environment.templates import is_whole

    shared = paths.shared_templates()
    if shared is None:
        return []
    whole = sum(is_whole(file.parent) for file in shared.glob("*/template.json"))
    if whole:
        return [Finding("templates", "ok", f"{whole} in {shared}")]
    hint = "First starts seed their database; `sysdesign seed --into DIR` fills such a folder."
    return [Finding("templates", "limited", f"none that can be read in {shared}", hint)]


def _extension() -> Finding:
    """Look whether a server started now would load the extension: the user's files come first."""
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    configured = ExtensionConfigManager(read_config_path=jupyter_config_path())
    extensions = configured.get_jpserver_extensions()  # type: ignore[no-untyped-call]
    enabled = extensions.get("jupyter_sysdesign")
    if enabled:
        return Finding("jupyter server", "ok", "extension enabled")
    if enabled is not None:
        hint = "`jupyter server extension enable jupyter_sysdesign` turns it on again."
        return Finding("jupyter server", "missing", "extension disabled", hint)
    return Finding(
        "jupyter server",
        "missing",
        "extension not enabled",
        "Reinstall jupyter-sysdesign into the environment JupyterLab runs in.",
    )
