"""[[meter]]: what the settings refuse, and how the earlier way of writing is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings import load_settings, to_policy


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def meter(*lines: str, role: str = "grid", link: str = "tcp://10.0.0.5") -> str:
    return "\n".join(["[[meter]]", f'role = "{role}"', f'link = "{link}"', *lines, ""])


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(written(tmp_path, SMALLEST + text))
    return str(refused.value)


def test_a_meter_at_the_grid_is_what_makes_a_house_metered(tmp_path: Path) -> None:
    metered = load_settings(written(tmp_path, SMALLEST + meter()))
    assert to_policy(metered).grid.has_meter
    only_pv = load_settings(written(tmp_path, SMALLEST + meter(role="pv")))
    assert not to_policy(only_pv).grid.has_meter


def test_the_first_meter_at_the_grid_says_how_old_a_value_may_be(tmp_path: Path) -> None:
    text = meter("period_s = 10") + meter("period_s = 30", 'id = "spare"')
    timing = to_policy(load_settings(written(tmp_path, SMALLEST + text))).timing
    assert (timing.meter_max_age_s, timing.meter_no_increase_age_s) == (25.0, 15.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[meter]\nhost = "192.168.1.20"\nport = 1502\n',
            'write [[meter]] with role = "grid" and link = "tcp://192.168.1.20:1502" in place of',
        ),
        (
            '[pv_meter]\nhost = "192.168.1.20"\n',
            'write [[meter]] with role = "pv" and link = "tcp://192.168.1.20:502" in place of',
        ),
        (meter('host = "10.0.0.5"'), "meter[0].host = '10.0.0.5': unknown key; write link = \"tcp"),
        (meter(role="roof"), "meter[0].role = 'roof': does not fit"),
        ('[[meter]]\nrole = "grid"\n', "meter[0].link: is missing; add it"),
        (
            meter(role="evse"),
            "meter[0].evse: is missing, so nobody knows whose power it measures; name",
        ),
        (meter('evse = "yard"', role="evse"), "no charger has this id; name one of garage"),
        (meter('evse = "garage"'), 'has no meaning here; remove it, or write role = "evse"'),
        (meter('id = "a"') + meter('id = "a"'), "meter[1].id = 'a': another meter has this id"),
        (meter("unit_id = 300"), "meter[0].unit_id = 300: does not fit"),
        (
            meter("[meter.answer]", 'power_w = "/w"', "sign = 0"),
            "meter[0].answer.sign = 0: does not fit; it should be 1 or -1",
        ),
    ],
)
def test_a_mistake_names_its_key_and_the_fix(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, text)
