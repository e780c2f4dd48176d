"""The kinds of question a lesson asks (``questions:`` of ``lesson.yaml``).

Deciding answers is ``grading/questions.py``; here is only what an author writes and what a learner
may see before they have answered (``public()``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from jupyter_sysdesign.curriculum.formula import Formula
from jupyter_sysdesign.curriculum.recording import Figure  # noqa: TC001 (pydantic needs it)

StepName = Literal["symptoms", "understand", "diagnose", "options", "fix", "verify", "reflect"]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Markdown = Annotated[str, Field(min_length=1)]


class Strict(BaseModel):
    """A part of ``lesson.yaml``: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(Strict):
    """What every question has."""

    id: Id
    step: StepName
    prompt: Markdown
    title: str = Field("", description="short heading; default: none")
    points: float = Field(1, gt=0)
    model_answer: str = Field("", description="Markdown, shown only after one's own answer")

    def public(self) -> dict[str, Any]:
        """Return what a learner may see before answering: no solution, no model answer."""
        shown = self.model_dump(include={"id", "kind", "step", "prompt", "title", "points"})
        return {**shown, **self._form()}

    def _form(self) -> dict[str, Any]:
        return {}


class Predict(Asked):
    """A number said before the run; scored on how close it came, not on right or wrong.

    Only runs and samples recorded *after* the prediction count, so it stays open until then.
    """

    kind: Literal["predict"]
    unit: str = ""
    actual: Figure
    scale: Literal["log", "relative", "interval"] = Field(
        "log",
        description="log: by factor (1.25, 2, 5, 10); relative: by share (10, 25, 50, 100 %); "
        "interval: the learner gives {low, high}: narrow and right is best",
    )
    floor: float = Field(
        0.0, ge=0, description="log and interval: smaller values count as this (e.g. 1 ms)"
    )
    minimum: float | None = None
    maximum: float | None = None

    def _form(self) -> dict[str, Any]:
        form = "interval" if self.scale == "interval" else "number"
        return {
            "form": form,
            "unit": self.unit,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "needs": needs(self.actual),
        }


class Observe(Asked):
    """A number read off one's own run; compared with what was recorded."""

    kind: Literal["observe"]
    unit: str = ""
    actual: Figure
    tolerance: float = Field(0.15, ge=0, description="share of the recorded value")
    tolerance_abs: float = Field(0.0, ge=0, description="in the unit; the wider one counts")

    def _form(self) -> dict[str, Any]:
        return {"form": "number", "unit": self.unit, "needs": needs(self.actual)}


class Option(Strict):
    """One answer to pick."""

    id: Id
    text: Markdown
    correct: bool = False
    feedback: str = Field("", description="shown when it was picked")


class Mistake(Strict):
    """A wrong answer that many give, and what to say to it."""

    answer: float | str
    feedback: Markdown


class Comprehend(Asked):
    """Has the learner read and understood? Decided by rule.

    ``form`` choice: exactly one correct option; choices: any number of them; number: ``answer``
    with a tolerance; text: one of ``accepted``, after lower-casing and dropping punctuation.
    """

    kind: Literal["comprehend"]
    form: Literal["choice", "choices", "number", "text"] = "choice"
    options: tuple[Option, ...] = ()
    unit: str = ""
    answer: float | None = None
    tolerance: float = Field(0.0, ge=0, description="share of the answer")
    accepted: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    @model_validator(mode="after")
    def _form_has_what_it_needs(self) -> Comprehend:
        right = sum(option.correct for option in self.options)
        _unique("options", [option.id for option in self.options])
        if self.form in ("choice", "choices"):
            if len(self.options) < 2:  # noqa: PLR2004
                raise ValueError(f"a {self.form} needs at least two options")
            if right == 0 or (self.form == "choice" and right != 1):
                raise ValueError(f"a {self.form} with {right} correct options")
        elif self.options:
            raise ValueError(f"a {self.form} takes no options")
        if (self.form == "number") != (self.answer is not None):
            raise ValueError("answer belongs to form: number, and form: number needs it")
        if (self.form == "text") != bool(self.accepted):
            raise ValueError("accepted belongs to form: text, and form: text needs it")
        return self

    def _form(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "unit": self.unit,
            "options": [{"id": each.id, "text": each.text} for each in self.options],
        }


class Way(Strict):
    """One way out of a tradeoff; more than one may be defensible."""

    id: Id
    text: Markdown
    score: float = Field(ge=0, le=1, description="1: what we would do; 0: does not hold")
    comment: Markdown = Field(description="shown after it was chosen: what it costs, when it wins")


class Tradeoff(Asked):
    """Choose and defend: the choice is scored, the reasons must be there."""

    kind: Literal["tradeoff"]
    options: tuple[Way, ...] = Field(min_length=2)
    min_words: int = Field(8, ge=1, description="of the reasons")

    @model_validator(mode="after")
    def _one_holds(self) -> Tradeoff:
        _unique("options", [option.id for option in self.options])
        if not any(option.score == 1 for option in self.options):
            raise ValueError("no option has score 1")
        return self

    def _form(self) -> dict[str, Any]:
        return {
            "form": "defend",
            "min_words": self.min_words,
            "options": [{"id": each.id, "text": each.text} for each in self.options],
        }


class Exhibit(Strict):
    """A piece of evidence, taken from the real system: text as it was shown there."""

    id: Id
    source: Literal["plan", "metric", "log", "code"]
    text: Markdown
    proves: bool = False
    comment: str = Field("", description="shown when it was picked, or missed")
    metric: str | None = Field(None, description="draw this metric of the learner's last run too")


class Evidence(Asked):
    """Pick the plan node, metric window or log line that proves it."""

    kind: Literal["evidence"]
    claim: Markdown
    exhibits: tuple[Exhibit, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _some_prove(self) -> Evidence:
        _unique("exhibits", [each.id for each in self.exhibits])
        proving = sum(each.proves for each in self.exhibits)
        if proving in (0, len(self.exhibits)):
            raise ValueError("some of the exhibits must prove the claim, and some must not")
        return self

    @property
    def pick(self) -> int:
        """How many exhibits prove the claim (said to the learner)."""
        return sum(each.proves for each in self.exhibits)

    def _form(self) -> dict[str, Any]:
        shown = {"id", "source", "text", "metric"}
        return {
            "form": "choice" if self.pick == 1 else "choices",
            "claim": self.claim,
            "pick": self.pick,
            "options": [each.model_dump(include=shown) for each in self.exhibits],
        }


class Criterion(Strict):
    """One thing a good reflection says.

    ``examples`` are sentences that say it, in words as different as learners' are; never shown.
    Whoever marks without a language model looks for sentences that mean the same.
    """

    id: Id
    text: Markdown
    points: float = Field(1, gt=0)
    examples: tuple[Markdown, ...] = ()


class Word(Strict):
    """One of the answers that a claim can be."""

    id: Id
    text: Markdown


class Claim(Strict):
    """What a reflection rests on, asked for as a field: good prose hides a wrong claim."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60, description="its name in formulas")
    text: Markdown
    unit: str = ""
    options: tuple[Word, ...] = Field((), description="none: the claim is a number")

    @model_validator(mode="after")
    def _is_a_choice_or_a_number(self) -> Claim:
        _unique("options", [option.id for option in self.options])
        if len(self.options) == 1:
            raise ValueError("a choice of one is none")
        if self.unit and self.options:
            raise ValueError("only a number has a unit")
        return self


class Fact(Strict):
    """What must hold of the claims (``formula.Formula``), and what to say when it does not."""

    holds: str = Field(min_length=1, max_length=500)
    why: Markdown


class Reflect(Asked):
    """Prose, and the claims it rests on.

    Claims are checked, and a wrong one is wrong however well it is written. What the prose says is
    looked for by the rubric (``grading.rubric``); that is provisional and never a pass or a fail.
    """

    kind: Literal["reflect"]
    rubric: tuple[Criterion, ...] = Field(min_length=1)
    claims: tuple[Claim, ...] = ()
    facts: tuple[Fact, ...] = ()
    min_words: int = Field(10, ge=1)

    @model_validator(mode="after")
    def _has_a_model_answer(self) -> Reflect:
        if not self.model_answer.strip():
            raise ValueError("a reflect question needs a model_answer to compare with")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> Reflect:
        _unique("criteria", [each.id for each in self.rubric])
        _unique("claims", [each.id for each in self.claims])
        formulas = [Formula(each.holds) for each in self.facts]
        claimed = {each.id for each in self.claims}
        words = {option.id for each in self.claims for option in each.options}
        spoken_of = set[str]().union(*(each.names for each in formulas))
        quoted = set[str]().union(*(each.words for each in formulas))
        for what, odd in (
            ("facts name what is not claimed", spoken_of - claimed),
            ("no fact is about", claimed - spoken_of),
            ("facts quote what is no option", quoted - words),
        ):
            if odd:
                raise ValueError(f"{what}: {', '.join(sorted(odd))}")
        return self

    def _form(self) -> dict[str, Any]:
        return {
            "form": "prose",
            "min_words": self.min_words,
            "claims": [each.model_dump() for each in self.claims],
        }


class Sealed(Asked):
    """A question whose answer is kept elsewhere: asked and stored here, decided there.

    ``asked`` is what the whole question shows (``public``); ``sealing`` makes it.
    """

    kind: Literal["sealed"]
    asked: dict[str, Any]

    def public(self) -> dict[str, Any]:
        """Return what the whole question shows."""
        return dict(self.asked)


Question = Annotated[
    Predict | Observe | Comprehend | Tradeoff | Evidence | Reflect | Sealed,
    Field(discriminator="kind"),
]


def needs(figure: Any) -> dict[str, Any]:
    """Return what must be recorded first, for the button beside the question (never the value)."""
    if hasattr(figure, "ratio"):
        return needs(figure.ratio.of) or needs(figure.ratio.to)
    if hasattr(figure, "run"):
        return {"profile": figure.run.profile}
    if hasattr(figure, "hot"):
        return {"profile": figure.hot.profile}
    if hasattr(figure, "metric"):
        return {"metric": figure.metric, "profile": figure.profile}
    return {}


def _unique(what: str, ids: list[str]) -> None:
    twice = sorted({each for each in ids if ids.count(each) > 1})
    if twice:
        raise ValueError(f"{what} share the id {', '.join(twice)}")
