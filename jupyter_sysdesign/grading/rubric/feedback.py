"""What a learner reads about a reflection: what they stated, and what was found in their words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_sysdesign.control.models import CriterionMark, Marking
    from jupyter_sysdesign.curriculum.question import Reflect

_LONGEST_QUOTE = 160
_SIGNS = {"yes": "✓", "perhaps": "?", "no": "○", "not_looked": "·"}


def feedback(question: Reflect, marking: Marking) -> str:
    """Return it as Markdown."""
    parts = []
    wrong = [each.why.strip() for each in marking.facts if not each.holds]
    if wrong:
        listed = "\n".join(f"- {each}" for each in wrong)
        parts.append(f"**What you stated does not hold**, so the answer cannot:\n\n{listed}")
    elif marking.facts:
        parts.append("**What you stated holds.**")
    if all(each.found == "not_looked" for each in marking.criteria):
        asked = "\n".join(f"- {each.text}" for each in question.rubric)
        parts.append(f"Kept. A good answer says:\n\n{asked}")
        parts += [" ".join(marking.for_a_person)] if marking.for_a_person else []
        return "\n\n".join(parts)
    who = "By a program that compares sentences and understands none of them"
    if marking.points is not None:
        who = f"By a language model ({_plain(marking.by)}), which may be wrong"
    listed = "\n\n".join(_line(each) for each in marking.criteria)
    parts.append(f"**Evidence found in your words.** {who}; it is no mark.\n\n{listed}")
    if marking.for_a_person:
        parts.append("A person should look at this: " + " ".join(marking.for_a_person))
    return "\n\n".join(parts)


def _line(mark: CriterionMark) -> str:
    said = f"{_SIGNS[mark.found]} {mark.text}"
    if mark.found == "perhaps":
        said += " Perhaps:"
    elif mark.found == "no":
        said += " Nothing found."
    elif mark.found == "not_looked":
        said += f" {mark.why}"
    if mark.quote:
        said += f" “{_plain(mark.quote)}”"
    return said


def _plain(text: str) -> str:
    """Return the learner's words so that Markdown makes nothing of them."""
    words = " ".join(text.split())
    if len(words) > _LONGEST_QUOTE:
        words = words[: _LONGEST_QUOTE - 1].rstrip() + "…"
    return re.sub(r"([\\`*_{}\[\]()#+|<>!~$-])", r"\\\1", words)
