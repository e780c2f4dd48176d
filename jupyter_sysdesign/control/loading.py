"""Which traffic a run request asks for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign.control.probing import unknown_paths
from jupyter_sysdesign.curriculum.variant import variant
from jupyter_sysdesign.environment.status import State
from jupyter_sysdesign.errors import ConflictError, InvalidRequestError, NotFoundError
from jupyter_sysdesign.load.profile import FILE, load_profiles, parse_profile

if TYPE_CHECKING:
    from jupyter_sysdesign.control.environment import Environment
    from jupyter_sysdesign.control.models import RunRequest
    from jupyter_sysdesign.environment.source import Source
    from jupyter_sysdesign.load.profile import Profile


async def choose_profile(environment: Environment, request: RunRequest) -> tuple[str, Profile]:
    """Return the name and the profile to run.

    Raises:
        InvalidRequestError: neither or both given, not a profile, too much when scaled, or with a
            path that the service does not know.
        InvalidFileError: ``load.yaml`` is wrong.
        NotFoundError: it has no profile of that name.
        ConflictError: the environment does not run.
    """
    if (request.profile is None) == (request.custom is None):
        raise InvalidRequestError("Give either a profile's name or a custom profile")
    if request.custom is not None:
        name, profile = "custom", parse_profile(request.custom)
    else:
        name, profile = await _named(environment, request.profile or "")
    # A check's traffic is nobody's in particular.
    if environment.purpose == "lesson" and any(each.hot for each in profile.parameters.values()):
        mine = await asyncio.to_thread(variant, environment.source.workspace)
        profile = profile.personal(mine.number)
    if environment.status.state not in (State.READY, State.DEGRADED):
        raise ConflictError(
            f"{environment.id} is {environment.status.state.value}", hint="Start it first."
        )
    target = environment.instance.target
    profile.plan(target, seed=request.seed, scale=request.scale)
    # A check wants to measure a service that lost a path; a learner mistyped it.
    if request.custom is not None and environment.purpose == "lesson":
        unknown = await unknown_paths(profile, target)
        if unknown:
            raise InvalidRequestError(
                f"The service has no path for {', '.join(unknown)}", hint="Compare with its code."
            )
    return name, profile


def shapes(source: Source) -> dict[str, dict[str, Any]]:
    """Return every profile of ``load.yaml`` in the form a request carries one in full.

    Raises:
        InvalidFileError: ``load.yaml`` is wrong.
    """
    profiles = load_profiles(source.locate(FILE), FILE)
    return {
        name: each.model_dump(mode="json", by_alias=True, exclude_unset=True)
        for name, each in profiles.items()
    }


def favourite(source: Source, profile: str, parameter: str) -> int | None:
    """Return which key is hot in this learner's runs of a profile; None when none is.

    Raises:
        InvalidFileError, NotFoundError: ``load.yaml`` or the workspace is broken.
    """
    found = load_profiles(source.locate(FILE), FILE).get(profile)
    if found is None:
        return None
    mine = found.personal(variant(source.workspace).number).parameters.get(parameter)
    return mine.hot.key if mine is not None and mine.hot is not None else None


async def _named(environment: Environment, name: str) -> tuple[str, Profile]:
    path = environment.source.locate(FILE)
    profiles = await asyncio.to_thread(load_profiles, path, FILE)
    if name not in profiles:
        raise NotFoundError(
            f"There is no profile {name!r}", hint=f"{FILE} has {', '.join(profiles)}."
        )
    return name, profiles[name]
