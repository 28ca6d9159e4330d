"""The settings of a charger's profiles as the OCPP adapter takes them."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.config import (
    FrequencyPoint,
    LocalFrequency,
    LocalLoadBalancing,
    ProfileDialect,
    VendorPower,
)
from v2g_daemon.settings.charger_profiles import ChargerProfiles

_WEARS_FLASH = {"as_reported": None, "yes": True, "no": False}


def profile_dialect(profiles: ChargerProfiles) -> ProfileDialect:
    """One charger's dialect."""
    return ProfileDialect(
        pulls=profiles.pulls,
        setpoint_bounds=profiles.setpoint_bounds,
        idle_after_s=profiles.idle_after_s,
        evse_sleep=profiles.evse_sleep,
        outlook_offline_s=profiles.outlook_offline_s,
        wears_flash=_WEARS_FLASH[profiles.wears_flash],
        negative_limit=profiles.negative_limit,
        vendor_power=_vendor_power(profiles),
        local=_local(profiles),
    )


def _local(profiles: ChargerProfiles) -> LocalFrequency | LocalLoadBalancing | None:
    balancing = profiles.local_load_balancing
    if profiles.local_frequency is not None:
        points = tuple(
            FrequencyPoint(frequency_hz=point.frequency_hz, power_w=point.power_w)
            for point in profiles.local_frequency
        )
        return LocalFrequency(points=points)
    if balancing is None:
        return None
    return LocalLoadBalancing(
        upper_threshold_w=balancing.upper_threshold_w,
        lower_threshold_w=balancing.lower_threshold_w,
        upper_offset_w=balancing.upper_offset_w,
        lower_offset_w=balancing.lower_offset_w,
    )


def _vendor_power(profiles: ChargerProfiles) -> VendorPower | None:
    told = profiles.vendor_power
    if told is None:
        return None
    return VendorPower(vendor_id=told.vendor_id, data=told.data, message_id=told.message_id)
