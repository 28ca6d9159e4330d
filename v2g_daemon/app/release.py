"""`v2g release`: give a charger over Modbus back to its own app, once the daemon has ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

from v2g_daemon.adapters.modbus.bus import Bus
from v2g_daemon.adapters.modbus.chargers.parts import charger_family
from v2g_daemon.app.chargers import charger_plans
from v2g_daemon.app.client import DaemonNotReached, ask
from v2g_daemon.app.understood import load
from v2g_daemon.domain.errors import DeviceUnknown, DeviceUnreachable
from v2g_daemon.settings import Settings

LONGEST_S = 20.0


async def release(path: Path, name: str) -> str:
    """Bring it to rest and give it back; the sentence that says so. Raises a DeviceError."""
    settings = load(path)
    plans = {plan.evse_id: plan for plan in charger_plans(settings)}
    if name not in plans:
        known = ", ".join(plans) or "none is configured"
        raise DeviceUnknown(f"no charger over Modbus is called {name!r}; those are: {known}")
    if _runs(settings):
        raise DeviceUnreachable("the daemon would take it again at once; stop the daemon first")
    plan = plans[name]
    bus = Bus(plan.link)
    family = charger_family(
        bus,
        unit_id=plan.unit_id,
        profile=plan.profile,
        connector=plan.connector,
        on_write=lambda _: None,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            await family.meet()
            await family.release()
    except TimeoutError as error:
        raise DeviceUnreachable(f"{bus.name} took longer than {LONGEST_S:g} s") from error
    finally:
        bus.close()
    return f"{name}: {plan.profile.name} is at rest and its own app's again"


def _runs(settings: Settings) -> bool:
    try:
        ask(settings.api.socket, "GET", "/api/v1/status")
    except DaemonNotReached:
        return False
    return True
