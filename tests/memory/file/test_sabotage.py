"""The tests notice when what keeps memories safe is taken out."""

from __future__ import annotations

import pytest

from tests.memory.file.faults import IS_FULL, ROOT
from tests.memory.file.sabotage import SABOTAGES, Sabotage, is_caught, sabotaged


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_there_is_something_to_sabotage(sabotage: Sabotage) -> None:
    text = (ROOT / sabotage.file).read_text()
    assert sabotaged(sabotage, text) != text


@pytest.mark.skipif(not IS_FULL, reason="takes a minute: POLY_FAULTS=full runs it")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_a_sabotage_is_caught(sabotage: Sabotage) -> None:
    assert is_caught(sabotage)
