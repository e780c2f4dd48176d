"""What counts of a ``compose.yaml`` that a learner edited: what the lesson lets them change.

The result is the lesson's own file with copies of services added or taken away, numbers set within
bounds, and ``depends_on`` following the copies. Everything else stands as in the pristine file, and
is told with its line.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from jupyter_sysdesign import yaml_file
from jupyter_sysdesign.environment.compose import ComposeFile
from jupyter_sysdesign.environment.spec import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jupyter_sysdesign.curriculum.lesson import Bounds, Changeable
    from jupyter_sysdesign.yaml_file import Document

Where = tuple[str | int, ...]

#: More than any number here has; ``int`` refuses some thousands.
_DIGITS = 18


def merge(
    pristine: Path, submitted: bytes, rules: Mapping[str, Changeable]
) -> tuple[bytes, list[str]]:
    """Return the file to run, and a sentence for each change that does not count.

    Args:
        pristine: the lesson's own file.
        submitted: the learner's, as bytes.
        rules: by service of the pristine file.

    Raises:
        InvalidFileError: what was submitted is no Compose file; with the line.
    """
    mine = yaml_file.parse(submitted, FILE)
    ours = yaml_file.read(pristine, FILE)
    merged = _Merge(ours, mine, rules)
    data = merged.data()
    if not merged.differs:
        return pristine.read_bytes(), merged.refused
    text = json.dumps(data, indent=1, ensure_ascii=False)  # is YAML too, and quotes every string
    return text.encode(), merged.refused


class _Merge:
    def __init__(self, ours: Document, mine: Document, rules: Mapping[str, Changeable]) -> None:
        self.refused: list[str] = []
        self.differs = False
        self._told: set[tuple[int, Where]] = set()
        self._ours, self._mine, self._rules = ours, mine, rules
        self._pristine: dict[str, Any] = ours.validate(ComposeFile).model_dump(by_alias=True)
        self._wanted: dict[str, Any] = mine.validate(ComposeFile).model_dump(by_alias=True)
        self._services: dict[str, Any] = self._pristine.pop("services")
        self._submitted: dict[str, Any] = self._wanted.pop("services")

    def data(self) -> dict[str, Any]:
        """Return the document to run."""
        self._compare(self._pristine, self._wanted, ())
        raw = self._ours.data["services"]
        models = self._models()
        made = {
            name: self._service(name, copy.deepcopy(raw[model]), models)
            if name in self._submitted
            else raw[name]
            for name, model in models.items()
        }
        self.differs = made != raw
        return {**self._ours.data, "services": made}

    def _models(self) -> dict[str, str]:
        """Return the services to run: name → the pristine service that each is a copy of."""
        models: dict[str, str] = {}
        for name, part in self._submitted.items():
            model = name if name in self._services else self._model_of(part)
            if model is None:
                self._refuse(("services", name), f"{name} is like no service that may be copied")
            elif self._is_full(name, model, models):
                most = self._rules[model].copies
                self._refuse(("services", name), f"there may be {most} services like {model}")
            else:
                models[name] = model
        for name in self._services:
            if name not in models and not (name in self._rules and name in models.values()):
                self._refuse(("services",), f"{name} cannot be left out")
                models[name] = name
        return models

    def _model_of(self, part: Mapping[str, Any]) -> str | None:
        """Return the service that a new one is a copy of: it runs the same program."""
        same = ("image", "command", "working_dir")
        return next(
            (
                name
                for name, rule in self._rules.items()
                if rule.copies > 1 and all(part[key] == self._services[name][key] for key in same)
            ),
            None,
        )

    def _is_full(self, name: str, model: str, models: Mapping[str, str]) -> bool:
        if name == model:
            return False
        taken = [*models.values()].count(model)
        kept_free = model in self._submitted and model not in models
        return taken + kept_free >= self._rules[model].copies

    def _service(self, name: str, raw: dict[str, Any], models: Mapping[str, str]) -> dict[str, Any]:
        """Return one service as the pristine file writes it, with what counts of the learner's."""
        model = models[name]
        pristine, wanted = dict(self._services[model]), dict(self._submitted[name])
        where = ("services", name)
        values = self._environment(
            pristine.pop("environment"), wanted.pop("environment"), model, where
        )
        if values:
            raw["environment"] = {**raw["environment"], **values}
        command = self._command(pristine.pop("command"), wanted.pop("command"), model, where)
        if command:
            raw["command"] = command
        ours, theirs = pristine.pop("depends_on"), wanted.pop("depends_on")
        depends_on = self._depends_on(list(ours), list(theirs), models, where)
        if depends_on != list(ours):
            raw["depends_on"] = depends_on
        self._compare(pristine, wanted, where)
        return raw

    def _environment(
        self, pristine: dict[str, str], wanted: dict[str, str], model: str, where: Where
    ) -> dict[str, int]:
        rule = self._rules.get(model)
        bounds = rule.environment if rule else {}
        values: dict[str, int] = {}
        for name in [*wanted, *(each for each in pristine if each not in wanted)]:
            if wanted.get(name) == pristine.get(name):
                continue
            place = (*where, "environment", name)
            if name not in bounds:
                self._refuse(place, _kept(place, pristine.get(name)))
                continue
            text = wanted.get(name, "")
            if said := _outside(name, text, bounds[name]):
                self._refuse(place, f"{said}; it stays {pristine.get(name)}")
            else:
                values[name] = int(text)
        return values

    def _command(
        self, pristine: list[str], wanted: list[str], model: str, where: Where
    ) -> list[str]:
        """Return the command with the settings that count; empty where none does."""
        rule = self._rules.get(model)
        bounds = rule.settings if rule else {}
        if len(pristine) != len(wanted) or not bounds:
            self._compare(pristine, wanted, (*where, "command"))
            return []
        words = [*pristine]
        for index, (ours, theirs) in enumerate(zip(pristine, wanted, strict=True)):
            if ours == theirs:
                continue
            place = (*where, "command", index)
            name, _, value = theirs.partition("=")
            if name not in bounds or not ours.startswith(f"{name}="):
                self._refuse(place, _kept(place, ours))
            elif said := _outside(name, value, bounds[name]):
                self._refuse(place, f"{said}; it stays {ours.partition('=')[2]}")
            else:
                words[index] = theirs
        return words if words != pristine else []

    def _depends_on(
        self, ours: list[str], theirs: list[str], models: Mapping[str, str], where: Where
    ) -> list[str]:
        """Return what a service waits for: of what it waited for, whichever copies it names."""
        kept = []
        for name in theirs:
            if models.get(name) in ours:
                kept.append(name)
            else:
                self._refuse((*where, "depends_on", name), f"it does not wait for {name}")
        for name in ours:
            if name not in kept and name not in self._rules:
                self._refuse((*where, "depends_on"), f"it still waits for {name}")
                kept.append(name)
        return kept

    def _compare(self, pristine: Any, wanted: Any, where: Where) -> None:
        """Refuse each value that is another one, by its own place."""
        if isinstance(pristine, dict) and isinstance(wanted, dict):
            for key in [*pristine, *(each for each in wanted if each not in pristine)]:
                self._compare(pristine.get(key), wanted.get(key), (*where, key))
        elif pristine != wanted:
            self._refuse(where, _kept(where, pristine))

    def _refuse(self, where: Where, message: str) -> None:
        line = self._mine.line(where)
        if (line, where[2:]) not in self._told:  # once for a block that several services are
            self._told.add((line, where[2:]))
            self.refused.append(f"{FILE}:{line}: {message}")


def _outside(name: str, text: str, bounds: Bounds) -> str:
    """Return what is wrong with a value, or an empty string."""
    least, most = bounds.minimum, bounds.maximum
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    if is_number and least <= int(text) <= most:
        return ""
    return f"{name} must be a whole number from {least} to {most}"


def _kept(where: Where, value: Any) -> str:
    name = next(part for part in reversed(where) if isinstance(part, str))
    of = f" of {where[1]}" if len(where) > 2 and where[0] == "services" else ""  # noqa: PLR2004
    if value is None:
        return f"{name}{of} cannot be set; it is left out"
    shown = f"; it stays {value}" if isinstance(value, (str, int, float)) else ""
    return f"{name}{of} cannot be changed{shown}"
