"""Recorded sessions: what can be a stay is kept, what cannot is left out and told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from v2g_daemon.adapters.series.sessions import SessionsFile, sessions_of
from v2g_daemon.domain.errors import SeriesFileError

NAME = "sessions.csv"
HEADER = "user,plug_in_utc,plug_out_utc,energy_kwh\n"
GOOD = "A,2019-01-01T17:00:00Z,2019-01-02T06:30:00Z,12.5\n"


def read(text: str) -> SessionsFile:
    return sessions_of(text.encode(), name=NAME)


def test_stays_come_in_time_order() -> None:
    earlier = "B,2018-12-31T17:00:00Z,2018-12-31T18:00:00Z,\n"
    found = read(HEADER + GOOD + earlier)
    assert [one.user for one in found.sessions] == ["B", "A"]
    assert [one.energy_kwh for one in found.sessions] == [None, 12.5]
    assert found.sessions[1].plug_out_utc == datetime(2019, 1, 2, 6, 30, tzinfo=UTC)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("line", "note", "kept"),
    [
        ("A,2019-01-01T17:00:00Z,,1\n", "plug-in or plug-out is missing: left out", 1),
        (
            "A,2019-01-01T17:00:00Z,2019-01-01T17:00:00Z,1\n",
            "it ends at 2019-01-01T17:00Z, before it begins: left out",
            1,
        ),
        (
            "A,2019-01-01T17:00:00Z,2019-01-01T19:00:00Z,0.01\n",
            "0.01 kWh in a stay of 2:00:00: a stay without charging",
            2,
        ),
        ("A,2019-01-01T17:00:00Z,2019-01-11T18:00:00Z,9\n", "a stay of 10 days: kept", 2),
        (
            "A,2019-01-01T17:00:00Z,2019-01-02T17:00:00Z,900\n",
            "900 kWh are more than any car takes: left out",
            1,
        ),
    ],
)
def test_trap_7_sessions_that_cannot_be_are_told_by_their_line(
    line: str, note: str, kept: int
) -> None:
    found = read(HEADER + GOOD + line)
    assert found.notes == (f"sessions.csv: line 3: {note}",)
    assert len(found.sessions) == kept


def test_trap_8_what_drivers_guess_is_kept_apart_from_what_came_true() -> None:
    found = read(
        "plug_in_utc,plug_out_utc,user_estimated_departure_utc,user_requested_kwh,energy_kwh\n"
        "2019-05-01T08:18:45Z,2019-05-01T22:52:36Z,2019-05-01T16:20:45Z,60.0,44.069\n"
    )
    (session,) = found.sessions
    assert session.plug_out_utc == datetime(2019, 5, 1, 22, 52, 36, tzinfo=UTC)
    assert session.guessed_departure_utc == datetime(2019, 5, 1, 16, 20, 45, tzinfo=UTC)
    assert (session.energy_kwh, session.guessed_energy_kwh) == (44.069, 60.0)
    assert found.notes == (
        "sessions.csv: user_estimated_departure_utc and user_requested_kwh are guesses of the "
        "drivers: kept apart, never taken as departure or need",
    )


def test_a_pairing_brings_trips_and_targets() -> None:
    found = read(
        "user,plug_in_utc,plug_out_utc,energy_kwh,trip_before_kwh,target_at_plug_out_kwh\n"
        "A,2024-01-01T23:00:00Z,2024-01-02T07:45:00Z,16.09,0.00,25.37\n"
    )
    assert found.sessions[0].trip_before_kwh == 0.0
    assert found.sessions[0].target_at_plug_out_kwh == 25.37


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user,plug_in_utc\nA,2019-01-01T17:00:00Z\n", "there is no column plug_out_utc"),
        (HEADER + "A,2019-01-01T17:00:00Z,,1\n", "no line is a stay"),
        (HEADER + GOOD.replace("12.5", "much"), "line 2: energy_kwh = 'much' is no number"),
        (HEADER + GOOD.replace("12.5", "-1"), "line 2: energy_kwh = -1 cannot be"),
        (HEADER + GOOD.replace("12.5", "nan"), "line 2: energy_kwh = nan cannot be"),
        (HEADER + GOOD.replace("2019-01-01T17", "1.1.2019 17"), "line 2: '1.1.2019 17:00:00Z' is"),
    ],
)
def test_what_is_no_list_of_sessions_is_refused(text: str, said: str) -> None:
    with pytest.raises(SeriesFileError) as caught:
        read(text)
    assert said in str(caught.value)
