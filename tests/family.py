"""Finds processes of the program under test by what they run."""

from __future__ import annotations

import contextlib

import psutil


def running(module: str, owner: int | None = None) -> list[psutil.Process]:
    """Return processes below ``owner`` (None: below this one) that run a module of ours."""
    found = []
    for each in psutil.Process(owner).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ends just now
            if f"jupyter_sysdesign.{module}" in each.cmdline():
                found.append(each)
    return found
