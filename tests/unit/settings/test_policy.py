"""What is derived from few words, and the two files that come with the project."""

from __future__ import annotations

import re
import shutil
import tomllib
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, after, written
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.policy import ExportPolicy, Policy, Stage
from v2g_daemon.settings import load_settings, timing_for, to_policy, warnings_of
from v2g_daemon.settings.explanations import keys_of

CONFIG = Path(str(resources.files("v2g_daemon") / "config"))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def policy_of(tmp_path: Path, text: str) -> Policy:
    return to_policy(load_settings(written(tmp_path, text)))


def test_the_shipped_defaults(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, SMALLEST)
    car, evse = policy.vehicles[0], policy.evses[0]
    assert (car.soc_floor, car.soc_ceiling) == (0.3, 0.8)
    assert car.wear_cost_per_kwh_discharged == 0.05
    assert (policy.export_depth.energy_wh, policy.export_depth.share_of_pack) == (10_000.0, 0.2)
    assert policy.economics.margin_per_kwh == 0.02
    assert policy.economics.export_wear_factor == 2.25
    assert policy.export_policy is ExportPolicy.NEVER
    assert policy.grid.export_limit_w is None
    assert not policy.grid.has_meter
    assert car.warranty is None
    assert evse.max_discharge_w == 0.0
    assert not car.assumed_when_unidentified


def test_an_owner_may_export_at_the_default_wear(tmp_path: Path) -> None:
    text = SMALLEST + "\n[export]\ndespite_high_wear = true\n"
    assert policy_of(tmp_path, text).economics.export_wear_factor == 1.0


@pytest.mark.parametrize(("chemistry", "wear"), [("nmc", 0.04), ("lfp", 0.02), ("unknown", 0.05)])
def test_wear_follows_the_chemistry(tmp_path: Path, chemistry: str, wear: float) -> None:
    text = after("[vehicle]", f'chemistry = "{chemistry}"')
    assert policy_of(tmp_path, text).vehicles[0].wear_cost_per_kwh_discharged == wear


def test_the_least_power_is_six_amperes_on_the_chargers_phases(tmp_path: Path) -> None:
    assert policy_of(tmp_path, SMALLEST).evses[0].min_charge_w == 4140.0
    one_phase = policy_of(tmp_path, after("[charger]", "phases = 1")).evses[0]
    assert one_phase.min_charge_w == 1380.0


@pytest.mark.parametrize(
    ("largest_a", "phases", "safe_a"), [(9, 3, 10.0), (9, 1, 16.0), (17, 1, 8.0), (20, 1, 0.0)]
)
def test_the_static_safe_current_is_what_fuse_cable_and_charger_leave(
    tmp_path: Path, largest_a: int, phases: int, safe_a: float
) -> None:
    text = after("[charger]", f"phases = {phases}").replace(
        "largest_other_load_a = 9", f"largest_other_load_a = {largest_a}"
    )
    assert policy_of(tmp_path, text).evses[0].static_safe_current_a == safe_a


def test_two_chargers_share_what_the_fuse_leaves(tmp_path: Path) -> None:
    second = (
        '[[charger]]\nid = "yard"\nstation_id = "STATION-2"\nmax_charge_w = 7400\n'
        'password = "plain-word"\n'
    )
    text = (SMALLEST + second).replace("max_charge_w", "phases = 1\nmax_charge_w")
    currents_a = [evse.static_safe_current_a for evse in policy_of(tmp_path, text).evses]
    assert currents_a == [8.0, 8.0]


def test_a_charge_only_charger_never_discharges(tmp_path: Path) -> None:
    text = after("[charger]", "max_discharge_w = 7400", "charge_only = true")
    assert policy_of(tmp_path, text).evses[0].max_discharge_w == 0.0


def test_departures_become_a_weekly_schedule(tmp_path: Path) -> None:
    goal = '[[departure]]\nready_by = 07:30:00\nsoc = 1.0\nweekdays = ["fri", "mon", "fri"]\n'
    departure = policy_of(tmp_path, SMALLEST + goal).schedule.departures[0]
    assert departure.vehicle_id == "car"
    assert departure.weekdays == (0, 4)
    assert departure.soc == 1.0


def test_ages_follow_the_meters_period_at_a_tick_a_second() -> None:
    timing = timing_for(1.0, 1.0)
    assert (timing.meter_max_age_s, timing.meter_no_increase_age_s) == (5.0, 3.0)
    assert (timing.discharge_lease_s, timing.safe_charge_lease_s) == (90.0, 1800.0)
    assert timing.recording_max_age_s == 180.0
    slow = timing_for(1.0, 10.0)
    assert (slow.meter_max_age_s, slow.meter_no_increase_age_s) == (25.0, 15.0)


def test_in_time_lapse_ages_and_leases_last_their_ticks() -> None:
    timing = timing_for(36.0, 36.0)
    assert timing.meter_max_age_s == 108.0
    assert timing.meter_no_increase_age_s == 108.0
    assert timing.meter_recovery_s == 108.0
    assert timing.discharge_lease_s == 216.0
    assert timing.idle_lease_s == 1800.0
    assert timing_for(600.0, 600.0).idle_lease_s == 3600.0


def test_the_demo_file_is_the_house_of_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    policy = to_policy(load_settings(CONFIG / "demo.toml"))
    evse, car = policy.evses[0], policy.vehicles[0]
    assert (evse.max_charge_w, evse.max_discharge_w, evse.min_charge_w) == (7400.0, 7400.0, 1400.0)
    assert evse.loss == LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=0.000003)
    assert (car.capacity_wh, car.soc_floor, car.wear_cost_per_kwh_discharged) == (60e3, 0.3, 0.04)
    assert (policy.grid.main_fuse_a, policy.grid.phases) == (25.0, 3)
    assert policy.grid.export_limit_w == 4000.0
    assert policy.stage_wanted is Stage.V2G
    assert policy.export_policy is ExportPolicy.ALLOWED
    assert min(policy.export_depth.energy_wh, policy.export_depth.share_of_pack * 60e3) == 15_000.0
    assert policy.schedule.departures[0].soc == 0.6
    assert policy.schedule.departures[0].trip_wh == 9000.0


def test_the_example_can_be_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    shutil.copy(CONFIG / "v2g-daemon.example.toml", tmp_path / "house.toml")
    (tmp_path / "station-1.password").write_text("station-word")
    given = load_settings(tmp_path / "house.toml")
    assert to_policy(given).evses[0].evse_id == "garage"


EXCLUDED = ("password_env", "password =", "local_load_balancing")


def uncommented(text: str) -> str:
    """The example with every commented key switched on, but for those that exclude another."""
    lines = re.findall(r"^(?:# )?(\[+[a-z_.]+\]+|[a-z_0-9]+ = [^#\n]*)", text, flags=re.MULTILINE)
    return "\n".join(line for line in lines if not line.startswith(EXCLUDED))


def test_every_key_of_the_example_exists_and_none_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    text = uncommented((CONFIG / "v2g-daemon.example.toml").read_text(encoding="utf-8"))
    (tmp_path / "station-1.password").write_text("station-word")
    (tmp_path / "relay.password").write_text("relay-word")
    (tmp_path / "leaf.token").write_text("leaf-token")
    (tmp_path / "family.password").write_text("family-word")
    (tmp_path / "weather.key").write_text("key1")
    settings = load_settings(written(tmp_path, text + PV_METER))
    for section, shown in tomllib.loads(text).items():
        value = getattr(settings, section)
        one = value[0] if isinstance(value, tuple) else value
        keys = shown[0] if isinstance(shown, list) else shown
        left_out = set(keys_of(type(one))) - set(keys)
        assert (section, left_out - ALTERNATIVES.get(section, set())) == (section, set())


# The weather tells nothing to a house that does not measure its sun.
PV_METER = """
[[meter]]
role = "pv"
link = "tcp://192.168.1.31:502"
profile = "sunspec"
"""
# The example can hold one of several ways to say a thing.
ALTERNATIVES = {
    "calendar": {"url_file", "file", "address", "password"},
    "charge_key": {"vehicle"},
    "charger": {"modbus", "password", "password_env"},
    "departure": {"energy_wh", "range_km", "trip_km"},
    "meter": {"evse"},
    "weather": {"key"},  # stands in key_file alone
}


def test_a_key_names_the_car_it_belongs_to(tmp_path: Path) -> None:
    key = '[[charge_key]]\nname = "badge"\nid_token = "04A2"\nvehicle = "car"\n'
    assert to_policy(load_settings(written(tmp_path, SMALLEST + key))).vehicles[0].id_token == (
        "04A2"
    )


def test_a_house_that_refuses_unknown_keys_and_knows_none_is_warned(tmp_path: Path) -> None:
    closed = "[ocpp]\naccept_unknown_keys = false\n"
    assert "no key is known" in "\n".join(warned(tmp_path, SMALLEST + METER + closed))
    key = '[[charge_key]]\nname = "badge"\nid_token = "04A2"\n'
    assert warned(tmp_path, SMALLEST + METER + key + closed) == ()


def warned(tmp_path: Path, text: str) -> tuple[str, ...]:
    return warnings_of(load_settings(written(tmp_path, text)))


METER = '[[meter]]\nrole = "grid"\nlink = "tcp://192.168.1.20"\nprofile = "sunspec"\n'


def test_a_house_with_a_meter_is_warned_of_nothing(tmp_path: Path) -> None:
    assert warned(tmp_path, SMALLEST + METER) == ()


def test_an_unreachable_goal_says_what_is_missing_and_what_would_do(tmp_path: Path) -> None:
    # 7.4 kW AC less 0.15 + 0.222 + 0.16428 kW of loss is 6.86372 kW; plugged in for 1 h 30 min:
    # 10.29558 kWh. From 60 % less 30 kWh (10 %) to 60 % it takes 30 kWh: 19.7 kWh are missing.
    goal = '[[departure]]\nready_by = "19:00"\nreturns_at = "17:30"\nsoc = 0.6\ntrip_wh = 30000\n'
    assert warned(tmp_path, SMALLEST + METER + goal) == (
        "departure Monday 19:00: 60% is missed by 19.7 kWh after arriving with 10%; "
        "arriving with 43% would do",
    )


def test_a_goal_in_energy_says_what_is_missing(tmp_path: Path) -> None:
    goal = '[[departure]]\nready_by = "19:00"\nreturns_at = "17:30"\nenergy_wh = 20000\n'
    assert warned(tmp_path, SMALLEST + METER + goal) == (
        "departure Monday 19:00: the goal is missed by 9.7 kWh; plug in earlier or ask for less",
    )


def test_a_reachable_goal_is_not_warned_of(tmp_path: Path) -> None:
    goal = '[[departure]]\nready_by = "07:30"\nreturns_at = "17:30"\nsoc = 0.6\ntrip_wh = 9000\n'
    assert warned(tmp_path, SMALLEST + METER + goal) == ()


KNOWN = after("[vehicle]", "consumption_wh_per_km = 200", "consumption_margin_fraction = 0.25")


def test_a_goal_in_kilometres_lies_above_the_floor(tmp_path: Path) -> None:
    # 72 km × 200 Wh/km × 1.25 = 18 kWh, 30 % of 60 kWh above the floor of 30 %; the trip of 50 km
    # is expected to take 10 kWh, without the margin.
    goal = '[[departure]]\nready_by = "07:30"\nrange_km = 72\ntrip_km = 50\n'
    departure = policy_of(tmp_path, KNOWN + goal).schedule.departures[0]
    assert departure.soc == pytest.approx(0.6)
    assert departure.energy_wh == pytest.approx(18_000.0)
    assert departure.trip_wh == pytest.approx(10_000.0)


@pytest.mark.parametrize(
    ("trip", "soc", "trip_wh"), [("trip_wh = 12000", 0.5, 12e3), ("trip_km = 48", 0.5, 9.6e3)]
)
def test_a_trip_alone_is_its_own_goal(
    tmp_path: Path, trip: str, soc: float, trip_wh: float
) -> None:
    goal = f'[[departure]]\nready_by = "07:30"\nreturns_at = "17:30"\n{trip}\n'
    departure = policy_of(tmp_path, KNOWN + goal).schedule.departures[0]
    assert departure.soc == pytest.approx(soc)
    assert departure.trip_wh == pytest.approx(trip_wh)


def test_a_distance_beyond_the_pack_is_warned_of(tmp_path: Path) -> None:
    # 42 kWh above the floor are 168 km at 250 Wh/km.
    goal = '[[departure]]\nready_by = "07:30"\nrange_km = 200\n'
    assert warned(tmp_path, KNOWN + METER + goal)[0] == (
        "departure[0]: a full pack holds 32 km less than the 200 km above its floor of 30%, with a "
        "margin of 25%; the car leaves full"
    )


@pytest.mark.parametrize(
    ("departures", "said"),
    [
        (
            [("07:30", "17:30", '"mon"'), ("16:00", "18:00", '"mon", "tue"')],
            ["departure Monday 16:00: the car is out since Monday 07:30 then"],
        ),
        # A night shift that goes on into Monday, over the end of the week.
        (
            [("22:00", "06:30", '"sun"'), ("06:00", "07:00", '"mon"')],
            ["departure Monday 06:00: the car is out since Sunday 22:00 then"],
        ),
        (
            [("07:30", None, '"mon"'), ("07:30", None, '"mon"')],
            ["departure Monday 07:30: the car is out since Monday 07:30 then"],
        ),
        ([("07:30", "12:00", '"mon"'), ("12:00", "18:00", '"mon"')], []),
        ([("07:30", None, '"mon"'), ("16:00", None, '"mon"')], []),
    ],
)
def test_trips_of_a_car_that_overlap_are_warned_of(
    tmp_path: Path, departures: list[tuple[str, str | None, str]], said: list[str]
) -> None:
    text = SMALLEST + METER
    for leaves, back, days in departures:
        text += f'[[departure]]\nready_by = "{leaves}"\nsoc = 0.4\nweekdays = [{days}]\n'
        text += "" if back is None else f'returns_at = "{back}"\n'
    found = [one for one in warned(tmp_path, text) if "is out" in one]
    assert [one.partition(", and not")[0] for one in found] == said


def test_a_weekend_away_returns_days_later_also_over_summer_time(tmp_path: Path) -> None:
    goal = '[[departure]]\nready_by = "18:00"\nsoc = 0.8\nweekdays = ["fri"]\n'
    goal += 'returns_at = "17:00"\nreturns_after_days = 2\n'
    other = '[[departure]]\nready_by = "09:00"\nsoc = 0.5\nweekdays = ["sat"]\n'
    schedule = policy_of(tmp_path, SMALLEST + goal).schedule
    (leaving,) = schedule.upcoming(
        "car", after_utc=datetime(2026, 3, 27, tzinfo=UTC), horizon=timedelta(days=1)
    )
    # Summer time begins in the night to Sunday, 29 March.
    assert leaving.ready_by_utc == datetime(2026, 3, 27, 17, 0, tzinfo=UTC)
    assert leaving.returns_at_utc == datetime(2026, 3, 29, 15, 0, tzinfo=UTC)
    (said,) = [one for one in warned(tmp_path, SMALLEST + METER + goal + other) if "is out" in one]
    assert said.startswith("departure Saturday 09:00: the car is out since Friday 18:00")


def test_an_early_export_limit_is_kept_and_said(tmp_path: Path) -> None:
    text = after("site", "export_limit_w = 4000") + METER
    assert to_policy(load_settings(written(tmp_path, text))).grid.export_limit_w == 4000.0
    assert warned(tmp_path, text) == (
        "the export limit of 4 kW is kept; until the permission to operate is recorded the stage "
        "stays V1G and nothing is exported",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SMALLEST, 'no [[meter]] with role = "grid" is configured: the house stays V1G'),
        (SMALLEST + METER + '[export]\npolicy = "allowed"\n', "unknown counts as 0 kW"),
        (
            SMALLEST.replace("largest_other_load_a = 9", "largest_other_load_a = 20") + METER,
            "charger garage: 0 A is below the 6 A that an EV needs",
        ),
    ],
)
def test_what_limits_the_house_is_said(tmp_path: Path, text: str, said: str) -> None:
    assert said in "\n".join(warned(tmp_path, text))


def test_a_password_in_the_file_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    text = (
        SMALLEST.replace('password_env = "V2G_PASSWORD_GARAGE"', 'password = "plain-word"') + METER
    )
    assert "password_file keeps it apart" in warned(tmp_path, text)[0]
