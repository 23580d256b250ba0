"""The lessons that recipes can name. A new system adds one line: its lesson's name, and where its `Plan` is."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from descant.errors import InvalidOption
from descant.train.plan import Plan

LESSONS = {
    "accompaniment": "descant.train.accompaniment:PLAN",
    "listening": "descant.train.listening:PLAN",
    "continuation": "descant.train.continuation:PLAN",
    "voice": "descant.train.voice:PLAN",
    "adversarial_voice": "descant.train.adversarial_voice:PLAN",
    "separation": "descant.train.separation:PLAN",
    "instrument": "descant.train.instrument:PLAN",
    "meter": "descant.train.sung_meter:PLAN",
    "sing": "descant.train.sing_plan:PLAN",
    "timbre": "descant.train.timbre:PLAN",
    "next_frame": "descant.train.next_frame:PLAN",
    "phone_reader": "descant.train.phone_reader:PLAN",
    "lyrics_contrastive": "descant.train.lyrics_contrastive:PLAN",
    "lyrics_ctc": "descant.train.lyrics_ctc:PLAN",
}


def plan_of(lesson: str, where: Path) -> Plan:
    """The plan of a lesson.

    Args:
        lesson: Its name.
        where: The recipe or run that names it, for the message.

    Raises:
        InvalidOption: There is no such lesson.
    """
    if lesson not in LESSONS:
        raise InvalidOption(f"{where}: there is no lesson {lesson!r}.", f"Known: {', '.join(sorted(LESSONS))}.")
    module, name = LESSONS[lesson].split(":")
    plan: Plan = getattr(import_module(module), name)
    return plan
