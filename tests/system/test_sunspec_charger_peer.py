"""A foreign SunSpec client scans the simulated FE20, and commands it through model 704."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulators.assembly import assemble
from simulators.scenario import Scenario

CHARGER = "SIM-FE20"
REVERTS_AFTER_S = 2


def a_house() -> Any:
    """A charger with a car, at the speed of life."""
    return assemble(
        Scenario.model_validate(
            {
                "clock": {
                    "start": "2024-12-11T17:30:00+01:00",
                    "anchor_monotonic_s": time.monotonic(),
                },
                "charger": [
                    {
                        "id": CHARGER,
                        "make": "fermate-fe20",
                        "serial": "SIM-FE-7",
                        "ramp_up_w_per_s": 20_000,
                        "ramp_down_w_per_s": 20_000,
                    }
                ],
                "vehicle": [{"name": "car", "soc": 0.62}],
            }
        ),
        Path(),
    )


def commanded(port: int) -> dict[str, Any]:
    """What the foreign client finds, and finds again once it has told -3 kW out and waited."""
    import sunspec2.modbus.client as foreign

    device = foreign.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port)
    try:
        device.scan()
        (common,), (measured,), (controls,) = (device.models[one] for one in (1, 701, 704))
        found: dict[str, Any] = {
            "models": sorted(one for one in device.models if isinstance(one, int)),
            "serial": common.SN.cvalue,
            "rated": device.models[702][0].WMaxRtg.cvalue,
            "rest": measured.W.cvalue,
        }
        for point, value in (
            ("WSetMod", 1),
            ("WSet", 3000),
            ("WSetRvrt", 0),
            ("WSetEnaRvrt", 1),
            ("WSetRvrtTms", REVERTS_AFTER_S),
            ("WSetEna", 1),
        ):
            setattr(getattr(controls, point), "value", value)  # noqa: B010 its points are dynamic
            getattr(controls, point).write()
        time.sleep(1.0)
        controls.read()
        measured.read()
        found |= {"told": controls.WSet.cvalue, "flows": measured.W.cvalue}
        time.sleep(REVERTS_AFTER_S + 0.5)
        measured.read()
        found["reverted"] = measured.W.cvalue
    finally:
        device.close()
    return found


async def test_pysunspec2_scans_the_charger_and_its_discharge_reverts(
    peer: Callable[[str], Path],
) -> None:
    peer("pysunspec2")
    parts = a_house()
    (charger,) = parts.chargers
    await charger.start()
    try:
        found = await asyncio.to_thread(commanded, charger.port)
    finally:
        await charger.server.stop()
    assert found["models"] == [1, 701, 702, 704, 713]
    assert found["serial"] == "SIM-FE-7"
    assert found["rated"] == 20_000
    # SunSpec counts out of the device as positive: what it calls 3 kW is a discharge.
    assert (found["rest"], found["told"], found["flows"], found["reverted"]) == (0, 3000, 3000, 0)
