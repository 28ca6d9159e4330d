"""How a 1.6 station spells its keys is learned of those that were asked for, and of no other."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.v16.spelling import Spelling


def test_a_key_is_asked_for_as_the_station_wrote_it() -> None:
    spelling = Spelling(lambda: {"HeartbeatInterval": "hb_interval"})
    assert spelling.of("HeartbeatInterval") == "hb_interval"
    spelling.seen(["HB_Interval"], asked=["hb_interval"])
    assert spelling.of("HeartbeatInterval") == "HB_Interval"


def test_keys_that_nobody_asked_for_are_not_remembered() -> None:
    spelling = Spelling(dict)
    for number in range(1000):
        invented = [f"KEY{number}", f"METERVALUESAMPLEINTERVAL{number}"]
        spelling.seen(["heartbeatinterval", *invented], asked=["HeartbeatInterval"])
    assert spelling.of("HeartbeatInterval") == "heartbeatinterval"
    assert spelling.of("Key7") == "Key7"
