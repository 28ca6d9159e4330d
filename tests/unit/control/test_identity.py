"""Which car it is, and how far the records let the house go with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import (
    EVCCID,
    NOW,
    a_policy,
    a_vehicle,
    an_answer,
    an_evse_status,
    commissioning,
)
from v2g_daemon.control.identity import candidates, stage_of, vehicle_of
from v2g_daemon.control.vehicle_feed import Witnesses
from v2g_daemon.domain.policy import ExportPolicy, Stage
from v2g_daemon.domain.readings import VehicleIdentity
from v2g_daemon.domain.snapshot import CommissioningStep
from v2g_daemon.domain.vehicle import CarAnswer, Vehicle

FOREIGN = "0200000000FF"


def recognised(
    *vehicles: Vehicle,
    evccid: str | None = None,
    id_token: str | None = None,
    answer: CarAnswer | None = None,
) -> str | None:
    status = an_evse_status(identity=VehicleIdentity(evccid=evccid, id_token=id_token))
    witnesses = Witnesses(now=NOW, answer=answer)
    found = vehicle_of(status, witnesses, a_policy(vehicles=vehicles))
    return None if found is None else found.vehicle_id


def open_question(*vehicles: Vehicle, **named: str | None) -> tuple[str, ...]:
    status = an_evse_status(identity=VehicleIdentity(**named))
    return candidates(status, Witnesses(now=NOW), a_policy(vehicles=vehicles))


def test_a_car_is_known_by_its_evccid() -> None:
    van = a_vehicle(vehicle_id="van", evccid="0200000000BB")
    assert recognised(a_vehicle(), van, evccid="0200000000BB") == "van"


def test_a_car_is_known_by_its_id_token_where_it_named_nothing_better() -> None:
    van = a_vehicle(vehicle_id="van", evccid=None, id_token="card 7")
    assert recognised(a_vehicle(), van, id_token="card 7") == "van"
    assert recognised(a_vehicle(), van, evccid=FOREIGN, id_token="card 7") == "van"


def test_a_foreign_evccid_is_a_guest_even_with_the_owners_token() -> None:
    car = a_vehicle(id_token="card 7")
    assert recognised(car, id_token="card 7") == "car"
    assert recognised(car, evccid=FOREIGN, id_token="card 7") is None


def test_a_token_that_two_cars_share_names_neither() -> None:
    cars = (
        a_vehicle(id_token="card 7"),
        a_vehicle(vehicle_id="van", evccid="BB", id_token="card 7"),
    )
    assert recognised(*cars, id_token="card 7") is None
    assert recognised(*cars, evccid="BB", id_token="card 7") == "van"


def test_an_unidentified_car_is_the_only_configured_one_by_the_owners_opt_in_only() -> None:
    assert recognised(a_vehicle(assumed_when_unidentified=True)) == "car"
    assert recognised(a_vehicle(assumed_when_unidentified=False)) is None


def test_the_opt_in_speaks_only_for_the_only_car() -> None:
    car = a_vehicle(assumed_when_unidentified=True)
    van = a_vehicle(vehicle_id="van", evccid="BB", assumed_when_unidentified=True)
    assert recognised(car, van) is None


def test_a_foreign_evccid_or_token_is_a_guest_even_with_the_opt_in() -> None:
    car = a_vehicle(assumed_when_unidentified=True, id_token="card 7")
    assert recognised(car, evccid=FOREIGN) is None
    assert recognised(car, id_token="another card") is None


def test_the_opt_in_holds_where_the_owner_configured_no_identity_to_compare() -> None:
    car = a_vehicle(assumed_when_unidentified=True, evccid=None)
    assert recognised(car, evccid=FOREIGN, id_token="any card") == "car"


def test_without_any_identity_or_car_it_is_a_guest() -> None:
    nobody = an_evse_status(identity=None)
    assert vehicle_of(nobody, Witnesses(now=NOW), a_policy()) is None
    assert recognised(evccid=EVCCID) is None


@pytest.mark.parametrize("written", ["02:00:00:00:00:bb", "02-00-00-00-00-BB", "0200000000bb"])
def test_an_evccid_is_the_same_however_it_is_written(written: str) -> None:
    van = a_vehicle(vehicle_id="van", evccid="0200000000BB")
    assert recognised(a_vehicle(), van, evccid=written) == "van"


def test_a_badge_knows_no_letter_case() -> None:
    assert recognised(a_vehicle(evccid=None, id_token="Card 7"), id_token="CARD 7") == "car"


# The owner's word.

VAN = a_vehicle(vehicle_id="van", evccid="0200000000BB", id_token="card 8")
CAR = a_vehicle(evccid=None, id_token="card 7")


def test_the_owner_names_a_car_that_names_itself_not() -> None:
    assert recognised(CAR, VAN, answer=an_answer("van")) == "van"
    assert recognised(CAR, VAN, answer=an_answer(None)) is None


def test_the_owner_outranks_badge_and_opt_in_but_never_the_car_itself() -> None:
    assert recognised(CAR, VAN, id_token="card 7", answer=an_answer("van")) == "van"
    assert recognised(CAR, VAN, id_token="card 7", answer=an_answer(None)) is None
    assumed = a_vehicle(assumed_when_unidentified=True)
    assert recognised(assumed, answer=an_answer(None)) is None
    assert recognised(CAR, VAN, evccid="0200000000BB", answer=an_answer("car")) == "van"
    assert recognised(CAR, VAN, evccid=FOREIGN, answer=an_answer("van")) is None
    assert recognised(CAR, VAN, evccid=FOREIGN, answer=an_answer("car")) == "car"


def test_an_answer_with_a_car_that_is_no_longer_configured_is_a_guest() -> None:
    assert recognised(CAR, answer=an_answer("sold")) is None


def test_only_cars_that_it_may_be_are_asked_for() -> None:
    assert open_question(CAR, VAN) == ("car", "van")
    assert open_question(CAR, VAN, evccid=FOREIGN) == ("car",)
    assert open_question(CAR, VAN, id_token="card 8") == ("van",)
    assert open_question(CAR, VAN, id_token="a stranger's") == ()


# Stages.


def test_all_records_and_the_wish_open_v2g() -> None:
    assert stage_of(commissioning(), "SIM-1", a_policy())[0] is Stage.V2G


@pytest.mark.parametrize("wanted", list(Stage))
def test_the_configuration_may_always_ask_for_less(wanted: Stage) -> None:
    assert stage_of(commissioning(), "SIM-1", a_policy(stage_wanted=wanted))[0] is wanted


def test_without_a_compensation_table_energy_stays_in_the_house() -> None:
    records = tuple(
        record
        for record in commissioning()
        if record.step is not CommissioningStep.EXPORT_COMPENSATION
    )
    assert stage_of(records, "SIM-1", a_policy()) == (
        Stage.V2H,
        "not recorded for this charger: export_compensation",
    )


def test_the_export_policy_never_stays_at_v2h() -> None:
    policy = a_policy(export_policy=ExportPolicy.NEVER)
    assert stage_of(commissioning(), "SIM-1", policy) == (Stage.V2H, "the export policy is never")


def test_watching_needs_no_record() -> None:
    assert stage_of((), None, a_policy(stage_wanted=Stage.WATCH))[0] is Stage.WATCH


@pytest.mark.parametrize("serial", [None, "SIM-2"])
def test_records_of_another_charger_do_not_count(serial: str | None) -> None:
    assert stage_of(commissioning("SIM-1"), serial, a_policy())[0] is Stage.V1G


def test_simulated_records_are_valid_for_simulated_serials_only() -> None:
    assert stage_of(commissioning("ACME-1", simulated=True), "ACME-1", a_policy())[0] is Stage.V1G
    assert stage_of(commissioning("ACME-1", simulated=False), "ACME-1", a_policy())[0] is Stage.V2G
    one_simulated = (
        *commissioning("ACME-1", simulated=False)[1:],
        replace(commissioning("ACME-1", simulated=True)[0]),
    )
    assert stage_of(one_simulated, "ACME-1", a_policy())[0] is Stage.V1G


def test_a_sign_test_holds_for_the_grid_meter_that_was_tested() -> None:
    policy = a_policy()
    records = tuple(
        replace(one, meter_serial="METER-A") if one.step is CommissioningStep.SIGN_TEST else one
        for one in commissioning()
    )
    assert stage_of(records, "SIM-1", policy, meter_serial="METER-A")[0] is Stage.V2G
    stage, why = stage_of(records, "SIM-1", policy, meter_serial="METER-B")
    assert stage is Stage.V1G
    assert why.endswith("METER-B: repeat it with v2g commission meter")
    assert stage_of(records, "SIM-1", policy, meter_serial=None)[0] is Stage.V1G
    again = replace(records[1], meter_serial="METER-B")
    assert again.step is CommissioningStep.SIGN_TEST
    assert stage_of((*records, again), "SIM-1", policy, meter_serial="METER-B")[0] is Stage.V2G


def test_a_sign_test_that_names_no_meter_holds_for_any() -> None:
    assert stage_of(commissioning(), "SIM-1", a_policy(), meter_serial="METER-B")[0] is Stage.V2G
