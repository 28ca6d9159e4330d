"""Every way to fail is documented, takes what it says, and can be planned and set with it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import ValidationError

from simulators.assembly import assemble
from simulators.control import FaultOrder
from simulators.faults import CARS, METER, PRICES, fault_of, mistake, switches_of
from simulators.scenario import Scenario
from simulators.switches import CHARGER_SWITCHES, METER_SWITCHES_BY_LINK, Parameters, Switch

README = files("simulators").joinpath("README.md").read_text(encoding="utf-8")
CHARGER = "C1"
STATION = {"id": "S1", "url": "ws://127.0.0.1:1/ocpp"}


def line(kind: str, switch: Switch) -> str:
    """The kind's line in the table of the README."""
    takes = [f"`{name}`{default(value)}" for name, value in switch.takes.items()]
    return f"| `{kind}` | {', '.join(takes) or '–'} | {switch.told} |"


def default(value: object) -> str:
    """As the table tells it; a parameter without one must be given."""
    if value is None:
        return ""
    return f" = {value:.0f}" if isinstance(value, float) else f" = {value}"


KNOWN = {CHARGER: CHARGER_SWITCHES, **METER_SWITCHES_BY_LINK}


@pytest.mark.parametrize("device", [METER, PRICES, CARS, "cars/leaf", "S1", *KNOWN])
def test_the_readme_has_a_line_for_every_way_to_fail(device: str) -> None:
    lines = README.splitlines()
    assert [
        kind
        for kind, switch in switches_of(device, known=KNOWN).items()
        if line(kind, switch) not in lines
    ] == []


def test_a_meter_fails_only_in_the_ways_of_its_link() -> None:
    fault = {"device": "meter", "kind": "wrong_transaction"}
    Scenario.model_validate({"meter": {}, "fault": [fault]})
    with pytest.raises(ValidationError, match="meter knows"):
        Scenario.model_validate({"meter": {"link": "http"}, "fault": [fault]})


def test_a_fault_has_its_switchs_defaults_and_what_is_given_instead() -> None:
    fault = fault_of("S1", "call_error", {"action": "Reset"}, from_s=10.0, for_s=5.0)
    assert fault.parameters == Parameters(action="Reset", code="InternalError")
    assert (fault.from_s, fault.until_s) == (10.0, 15.0)
    assert fault_of("S1", "lag", {}, from_s=0.0, for_s=None).parameters.lag_s == 10.0
    assert fault_of("S1", "lag", {"lag_s": 3.0}, from_s=0.0, for_s=None).parameters.lag_s == 3.0


def test_a_parameter_that_a_kind_does_not_take_is_refused() -> None:
    assert mistake("S1", "lag", {"lag_s": 1.0}) is None
    assert mistake("S1", "lag", {"value": 1.0}) == "lag does not take value; it takes ['lag_s']"
    assert mistake("S1", "sign_flip", {"code": "X"}) == (
        "sign_flip does not take code; it takes no parameter"
    )
    with pytest.raises(ValidationError, match="deadband does not take lag_s"):
        Scenario.model_validate(
            {"station": [STATION], "fault": [{"device": "S1", "kind": "deadband", "lag_s": 1.0}]}
        )


def test_a_planned_fault_begins_and_ends_with_its_parameters() -> None:
    planned = {"device": "S1", "kind": "deadband", "value": 800.0, "at_s": 60.0, "for_s": 30.0}
    scenario = Scenario.model_validate(
        {"clock": {"start": "2024-12-11T17:30:00Z"}, "station": [STATION], "fault": [planned]}
    )
    made = assemble(scenario, Path())
    start_s = made.clock.start_s
    assert made.faults.now("S1", start_s + 59.9) == ()
    (fault,) = made.faults.now("S1", start_s + 60.0)
    assert fault.parameters.value == 800.0
    assert made.faults.now("S1", start_s + 90.0) == ()
    edges = (start_s, start_s + 60.0, start_s + 90.0)
    assert [made.faults.next_edge_s("S1", at_s) for at_s in edges] == [
        start_s + 60.0,
        start_s + 90.0,
        None,
    ]


def test_a_code_is_a_word() -> None:
    with pytest.raises(ValidationError):
        FaultOrder(device="S1", kind="call_error", code="no code")
