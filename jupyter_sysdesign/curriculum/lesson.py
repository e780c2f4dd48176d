"""``lesson.yaml``: everything about a lesson that is not its notebook or its environment."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jupyter_sysdesign.curriculum.question import Id, Markdown, Question, StepName, Strict

STEPS: tuple[StepName, ...] = get_args(StepName)

#: What a learner gets to read, besides the notebook and its diagrams.
READABLE = (
    "app/*",
    "migrations/*",
    "db/*schema*.sql",
    "compose.yaml",
    "load.yaml",
    "haproxy.cfg",
)
#: What no pattern may ever hand out: the checks, the answers, and data too big to read.
KEPT_BACK = ("checks.py", "solution/*", "alternatives/*", "cheats/*", "db/*seed*", "*.pyc")
COMPOSE = "compose.yaml"
#: What a submission may not replace: limits and traffic are the lesson's. Of compose.yaml a lesson
#: may let some things be changed; see ``LessonFile.compose``.
NOT_EDITABLE = (*KEPT_BACK, "load.yaml", "db/*", ".sysdesign/*")

_TITLES: dict[str, str] = {
    "symptoms": "See the symptoms",
    "understand": "Understand the system",
    "diagnose": "Find the cause",
    "options": "Weigh the options",
    "fix": "Fix it",
    "verify": "Prove it",
    "reflect": "Look back",
}

Pattern = Annotated[str, Field(min_length=1, max_length=200)]


class Step(Strict):
    """One of the seven steps, in the order every lesson has."""

    id: StepName
    title: str = Field(min_length=1)
    text: str = Field("", description="one or two sentences for panel and dashboard")


class Ladder(Strict):
    """Hints to one difficulty, from a nudge to nearly the answer; opened rung by rung."""

    id: Id
    step: StepName
    title: str = Field(min_length=1, description="the difficulty in the learner's words")
    rungs: tuple[Markdown, ...] = Field(min_length=1)
    solution: str = Field("", description="before/after code; kept back until a check was tried")

    def public(self) -> dict[str, Any]:
        """Return the ladder without its solution."""
        shown = self.model_dump(mode="json", exclude={"solution"})
        return {**shown, "has_solution": bool(self.solution)}


class ExpectedFailure(Strict):
    """A check that the untouched system must fail, and why."""

    check: Id
    because: str = Field(
        min_length=3, description="part of the check's reason (case does not matter)"
    )


class Untouched(Strict):
    """What the gate expects of the system as the learner gets it; all other checks pass."""

    fails: tuple[ExpectedFailure, ...] = Field(min_length=1)


class Bounds(Strict):
    """Whole numbers that a value may be."""

    minimum: int
    maximum: int

    @model_validator(mode="after")
    def _hold_something(self) -> Bounds:
        if self.minimum > self.maximum:
            raise ValueError(f"no number is at least {self.minimum} and at most {self.maximum}")
        return self


class Changeable(Strict):
    """What a learner may change of one service of ``compose.yaml``; all else stays pristine."""

    copies: int = Field(
        1, ge=1, le=32, description="how many services like it there may be, itself among them"
    )
    environment: dict[str, Bounds] = Field(
        default={}, description="variables that may be set, also in copies, within bounds"
    )
    settings: dict[str, Bounds] = Field(
        default={},
        description="of a database: which `name=value` of its command may be another number",
    )


class LessonFile(Strict):
    """The whole of ``lesson.yaml``.

    ``editable`` and ``files`` are glob patterns relative to the workspace, in which ``*`` also
    matches ``/``. Only ``editable`` files count when a submission is rebuilt.
    """

    title: str = Field(min_length=1)
    track: int = Field(ge=1)
    order: int = Field(0, ge=0, description="in its track, of a lesson whose id has no number")
    tier: Literal["crawling", "walking", "running", "sprinting"]
    domains: tuple[str, ...] = Field(min_length=1)
    concepts: tuple[str, ...] = Field(min_length=1)
    minutes: int = Field(gt=0)
    summary: str = Field(min_length=1, description="one sentence for the catalogue")
    objectives: tuple[str, ...] = Field(min_length=1)
    recap: Markdown
    bridge: Markdown
    steps: tuple[Step, ...] = tuple(Step(id=name, title=_TITLES[name]) for name in STEPS)
    compose: dict[str, Changeable] = Field(
        default={}, description="by service: what counts of an edited compose.yaml"
    )
    editable: tuple[Pattern, ...] = Field(min_length=1)
    files: tuple[Pattern, ...] = READABLE
    charts: tuple[str, ...] = Field((), description="metric names a dashboard shows first")
    questions: tuple[Question, ...] = ()
    hints: tuple[Ladder, ...] = ()
    untouched: Untouched

    @field_validator("steps")
    @classmethod
    def _all_in_order(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        if tuple(step.id for step in steps) != STEPS:
            raise ValueError(f"steps must be these, in this order: {', '.join(STEPS)}")
        return steps

    @field_validator("editable", "files")
    @classmethod
    def _inside(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            parts = PurePosixPath(pattern).parts
            if pattern.startswith(("/", "~")) or ".." in parts or "\\" in pattern:
                raise ValueError(f"{pattern!r} must stay inside the workspace")
        return patterns

    @field_validator("editable")
    @classmethod
    def _may_be_edited(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            clash = next((each for each in NOT_EDITABLE if fnmatchcase(pattern, each)), None)
            takes_compose = pattern != COMPOSE and fnmatchcase(COMPOSE, pattern)
            if clash or takes_compose or pattern.startswith("*"):
                raise ValueError(f"{pattern!r} cannot be editable")
        return patterns

    @field_validator("editable")
    @classmethod
    def _compose_is_merged(cls, patterns: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        rules = info.data.get("compose", {COMPOSE: None} if COMPOSE in patterns else {})
        if bool(rules) != (COMPOSE in patterns):
            raise ValueError(
                f"{COMPOSE} is editable exactly where `compose` says what may be changed of it"
            )
        return patterns

    @model_validator(mode="after")
    def _ids_are_unique(self) -> LessonFile:
        for what, ids in (
            ("questions", [question.id for question in self.questions]),
            ("hints", [ladder.id for ladder in self.hints]),
        ):
            twice = sorted({each for each in ids if ids.count(each) > 1})
            if twice:
                raise ValueError(f"two {what} have the id {', '.join(twice)}")
        return self

    def question(self, question: str) -> Question | None:
        """Return the question of that id, or None."""
        return next((each for each in self.questions if each.id == question), None)

    def is_editable(self, relative: str) -> bool:
        """Tell whether the learner's copy of this file counts."""
        return any(fnmatchcase(relative, pattern) for pattern in self.editable)

    def is_readable(self, relative: str) -> bool:
        """Tell whether a learner's workspace holds a copy of this file of the environment."""
        if any(fnmatchcase(relative, pattern) for pattern in KEPT_BACK):
            return False
        if any(part in {"__pycache__", ".git"} for part in PurePosixPath(relative).parts):
            return False
        return any(fnmatchcase(relative, pattern) for pattern in (*self.files, *self.editable))
