from __future__ import annotations

import inspect
import pickle

import pytest

from descant import errors
from descant.errors import DescantError

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, DescantError)]


def test_every_class_has_its_own_exit_status() -> None:
    codes = [c.code for c in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(1 <= code <= 130 for code in codes)


@pytest.mark.parametrize("cls", CLASSES)
def test_errors_carry_message_and_hint_and_survive_a_process_border(cls: type[DescantError]) -> None:
    error = pickle.loads(pickle.dumps(cls("what", "do this")))
    assert (type(error), error.message, error.hint, str(error)) == (cls, "what", "do this", "what")
