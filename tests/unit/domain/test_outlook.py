"""An outlook charges or waits; it never discharges, and its steps are in order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import NOW
from v2g_daemon.domain.outlook import Outlook, OutlookStep


def a_step(hours: float, limit_w: float = 2300.0) -> OutlookStep:
    return OutlookStep(starts_at_utc=NOW.utc + timedelta(hours=hours), limit_w=limit_w)


@pytest.mark.parametrize("limit_w", [-1.0, float("nan")])
def test_a_step_never_discharges(limit_w: float) -> None:
    with pytest.raises(ValueError, match="only charges"):
        a_step(0.0, limit_w)


@pytest.mark.parametrize("hours", [(), (1.0, 0.0), (1.0, 1.0)])
def test_the_steps_follow_each_other(hours: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="follow each other"):
        Outlook(
            steps=tuple(a_step(hour) for hour in hours), ends_at_utc=NOW.utc + timedelta(hours=9)
        )


def test_it_ends_after_its_last_step_begins() -> None:
    with pytest.raises(ValueError, match="ends after"):
        Outlook(steps=(a_step(0.0), a_step(1.0)), ends_at_utc=NOW.utc + timedelta(hours=1))
