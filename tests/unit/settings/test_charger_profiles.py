"""[charger.profiles]: what may be said of a charger's own ways, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings import load_settings
from v2g_daemon.settings.charger_profiles import ChargerProfiles


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def with_profiles(tmp_path: Path, lines: str) -> Path:
    """The smallest file, with the table for its charger."""
    return written(
        tmp_path, SMALLEST.replace("[[vehicle]]", f"[charger.profiles]\n{lines}\n[[vehicle]]")
    )


def test_without_the_table_everything_is_as_the_standard_says(tmp_path: Path) -> None:
    found = load_settings(written(tmp_path)).charger[0].profiles
    assert found == ChargerProfiles()
    assert not found.negative_limit
    assert (found.vendor_power, found.local_frequency, found.local_load_balancing) == (None,) * 3


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('negative_limit = "perhaps"', "profiles.negative_limit = 'perhaps': does not fit"),
        ('wears_flash = "perhaps"', "profiles.wears_flash = 'perhaps': does not fit"),
        ("wears_flash = true", "true and false are no values for this key"),
        ("outlook_offline_s = 86401", "profiles.outlook_offline_s = 86401: does not fit"),
        ("pull = true", "profiles.pull = True: unknown key; did you mean pulls?"),
        (
            "local_frequency = [{ frequency_hz = 50, power_w = 0 }]",
            "a curve of less than two points; give at least two",
        ),
        (
            "local_frequency = [{ frequency_hz = 50, power_w = 0 }, "
            "{ frequency_hz = 50, power_w = 9 }]",
            "the frequencies do not rise; give the lowest first, each once",
        ),
        (
            "local_frequency = [{ frequency_hz = 5, power_w = 0 }]",
            "local_frequency[0].frequency_hz = 5: does not fit",
        ),
        (
            "local_load_balancing = { upper_threshold_w = 0, lower_threshold_w = 1 }",
            "upper_threshold_w is not above lower_threshold_w; exchange them",
        ),
        (
            "local_load_balancing = { upper_threshold_w = 1, lower_threshold_w = 0 }\n"
            "local_frequency = [{ frequency_hz = 49, power_w = 0 }, "
            "{ frequency_hz = 50, power_w = 9 }]",
            "local_frequency and local_load_balancing exclude each other; leave one out",
        ),
        (
            'vendor_power = { vendor_id = "x", data = "t={duration_s}" }',
            "the command would name no power; say {power_w}, or {current_a} per phase",
        ),
        (
            'vendor_power = { vendor_id = "x", data = "p={power_w}" }',
            "the command would never end by itself; say {duration_s}, the seconds it holds",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(with_profiles(tmp_path, lines))
    assert said in str(caught.value)
