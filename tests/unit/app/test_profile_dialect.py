"""What is configured of a charger's profiles reaches its adapter whole."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.config import (
    FrequencyPoint,
    LocalFrequency,
    LocalLoadBalancing,
    ProfileDialect,
    VendorPower,
)
from v2g_daemon.app.profile_dialect import profile_dialect
from v2g_daemon.settings.charger_profiles import (
    ChargerProfiles,
    FrequencyPointSection,
    LoadBalancingSection,
    VendorPowerSection,
)


def test_silence_means_the_defaults_of_the_adapter() -> None:
    assert profile_dialect(ChargerProfiles()) == ProfileDialect()


def test_every_switch_is_passed_on() -> None:
    told = ChargerProfiles(
        negative_limit=True,
        pulls=True,
        setpoint_bounds=True,
        wears_flash="no",
        outlook_offline_s=60,
        idle_after_s=0.0,
        evse_sleep=True,
        local_frequency=(
            FrequencyPointSection(frequency_hz=49.8, power_w=-900.0),
            FrequencyPointSection(frequency_hz=50.2, power_w=900.0),
        ),
        vendor_power=VendorPowerSection(vendor_id="x", data="{power_w},{duration_s}"),
    )
    assert profile_dialect(told) == ProfileDialect(
        negative_limit=True,
        pulls=True,
        setpoint_bounds=True,
        wears_flash=False,
        outlook_offline_s=60,
        idle_after_s=0.0,
        evse_sleep=True,
        local=LocalFrequency(
            points=(
                FrequencyPoint(frequency_hz=49.8, power_w=-900.0),
                FrequencyPoint(frequency_hz=50.2, power_w=900.0),
            )
        ),
        vendor_power=VendorPower(vendor_id="x", data="{power_w},{duration_s}"),
    )


def test_load_balancing_is_the_other_local_mode() -> None:
    told = ChargerProfiles(
        wears_flash="yes",
        local_load_balancing=LoadBalancingSection(
            upper_threshold_w=500.0, lower_threshold_w=-500.0, lower_offset_w=50.0
        ),
    )
    found = profile_dialect(told)
    assert found.wears_flash is True
    assert found.local == LocalLoadBalancing(
        upper_threshold_w=500.0, lower_threshold_w=-500.0, lower_offset_w=50.0
    )
