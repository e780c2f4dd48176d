"""What a learner types and sees."""

from __future__ import annotations

from jupyter_sysdesign.notebook.lesson import Lesson

__all__ = ["Lesson"]
