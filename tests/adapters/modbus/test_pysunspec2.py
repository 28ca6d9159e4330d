"""Another implementation of SunSpec as oracle: its model files, and its client on a meter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.modbus.meters import UNIT_ID, sunspec_meter
from v2g_daemon.adapters.modbus.profile import Point
from v2g_daemon.adapters.modbus.sunspec_models import INVERTER_MODELS, METER_MODELS, map_of

KINDS = {"acc32": "uint32", "acc64": "uint64"}


def published(package: Path, model_id: int) -> dict[str, tuple[int, str]]:
    """Point name -> offset from the model's id and type, as the published model file says."""
    path = package.parent / "models" / "json" / f"model_{model_id}.json"
    offsets: dict[str, tuple[int, str]] = {}
    offset = 0
    for point in json.loads(path.read_text())["group"]["points"]:
        offsets[point["name"]] = (offset, KINDS.get(point["type"], point["type"]))
        offset += point["size"]
    return offsets


# Our point -> the published names of its phases, for meters, inverters and DER devices.
PHASE_NAMES = {
    "phase_power_w": ("WphA", "WphB", "WphC"),
    "voltage_v": ("PhVphA", "PhVphB", "PhVphC"),
}
DER_NAMES = {"phase_power_w": ("WL1", "WL2", "WL3"), "voltage_v": ("VL1", "VL2", "VL3")}
SCALES = {
    "power_w": "W_SF",
    "phase_power_w": "W_SF",
    "voltage_v": "V_SF",
    "frequency_hz": "Hz_SF",
    "import_wh": "TotWh_SF",
    "export_wh": "TotWh_SF",
}


def names_of(model_id: int, key: str) -> tuple[str, ...]:
    """What the published model calls one of our points."""
    if key == "power_w":
        return ("W",)
    if key == "frequency_hz":
        return ("Hz",)
    if key in PHASE_NAMES:
        return (DER_NAMES if model_id == 701 else PHASE_NAMES)[key]
    if model_id == 701:
        return ("TotWhAbs",) if key == "import_wh" else ("TotWhInj",)
    if model_id < 200:
        return ("WH",)
    return ("TotWhImp",) if key == "import_wh" else ("TotWhExp",)


@pytest.mark.parametrize("model_id", [*METER_MODELS, *INVERTER_MODELS])
def test_our_points_are_those_of_the_published_models(
    model_id: int, peer: Callable[[str], Path]
) -> None:
    theirs = published(peer("pysunspec2"), model_id)
    ours = map_of(model_id, 0, serial_at=None)
    (block,) = ours.blocks
    compared = 0
    for key, point in ours.points.named():
        assert isinstance(point, Point)
        names = names_of(model_id, key)
        for name, address in zip(names, point.address, strict=False):
            assert (name, theirs[name]) == (name, (address, point.type.value))
            compared += 1
        if point.exponent_at is not None:
            scale = "WH_SF" if names == ("WH",) else SCALES[key]
            assert theirs[scale][0] == point.exponent_at
            assert point.exponent_at < block.count
    assert compared >= 4


async def test_its_client_reads_what_we_read(peer: Callable[[str], Path]) -> None:
    peer("pysunspec2")
    import sunspec2.modbus.client as oracle

    def scan(port: int) -> tuple[float, ...]:
        device = oracle.SunSpecModbusClientDeviceTCP(
            slave_id=UNIT_ID, ipaddr="127.0.0.1", ipport=port, timeout=2.0
        )
        try:
            device.scan()
            (model,) = device.models[203]
            return tuple(
                getattr(model, name).cvalue
                for name in ("W", "WphA", "WphB", "WphC", "PhVphA", "Hz", "TotWhImp", "TotWhExp")
            )
        finally:
            device.close()

    async with sunspec_meter() as meter:
        seen = await asyncio.to_thread(scan, meter.port)
    assert seen == pytest.approx(
        (2500.0, 1500.0, 1200.0, -200.0, 230.1, 49.98, 1_000_000.0, 5_000.0)
    )
