"""How often somebody may knock."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.security.attempts import REMEMBERED, Allowance, Door, Tally

HOME, ELSEWHERE = "192.168.1.5", "192.168.1.66"


def test_an_allowance_is_spent_and_refills_evenly() -> None:
    tally = Tally(Allowance(count=2, per_s=60.0))
    assert not tally.exhausted("a", now_s=0.0)
    tally.add("a", now_s=0.0)
    tally.add("a", now_s=0.0)
    assert tally.exhausted("a", now_s=29.9)
    assert not tally.exhausted("a", now_s=30.0)
    assert not tally.exhausted("b", now_s=0.0)


def test_what_is_remembered_is_bounded() -> None:
    tally = Tally(Allowance(count=1, per_s=1e9))
    for number in range(REMEMBERED + 1):
        tally.add(str(number), now_s=0.0)
    assert not tally.exhausted("0", now_s=0.0)
    assert tally.exhausted("1", now_s=0.0)


def test_a_storm_of_reconnects_is_slowed_and_a_usual_reconnect_is_not() -> None:
    door = Door(stations=1)
    storm = [door.too_many(address=HOME, station="S1", now_s=0.6 * n) for n in range(100)]
    assert not any(storm[:30])
    # 100 a minute against 30 a minute: from the time the thirty are spent most are refused.
    assert sum(storm) >= 35
    calm = Door(stations=1)
    assert not any(calm.too_many(address=HOME, station="S1", now_s=5.0 * n) for n in range(100))


def test_five_wrong_passwords_close_the_door_to_that_address_only() -> None:
    door = Door(stations=1)
    door.admitted(address=HOME, station="S1")
    for second in range(5):
        assert not door.too_many(address=ELSEWHERE, station="S1", now_s=float(second))
        door.wrong_password(address=ELSEWHERE, station="S1", now_s=float(second))
    assert door.too_many(address=ELSEWHERE, station="S1", now_s=10.0)
    assert not door.too_many(address=HOME, station="S1", now_s=10.0)
    assert not door.too_many(address=ELSEWHERE, station="S1", now_s=70.0)


def test_guessing_from_many_addresses_is_limited_by_the_station_but_never_keeps_it_out() -> None:
    door = Door(stations=1)
    door.admitted(address=HOME, station="S1")
    for number in range(30):
        door.wrong_password(address=f"10.0.0.{number}", station="S1", now_s=0.0)
    assert door.too_many(address="10.0.1.1", station="S1", now_s=1.0)
    assert not door.too_many(address=HOME, station="S1", now_s=1.0)


def test_all_stations_of_a_large_house_may_come_back_at_once_from_one_address() -> None:
    door = Door(stations=200)
    back = [door.too_many(address=HOME, station=f"S{n}", now_s=0.0) for n in range(200)]
    assert not any(back)
