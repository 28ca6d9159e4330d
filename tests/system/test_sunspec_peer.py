"""A foreign SunSpec client reads the simulated meter and finds what the world says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

LOADS_W = [1500, -200, 700]
SCENARIO = """\
[clock]
start = 2024-12-11T12:00:00+01:00
[house]
load_w = 3200
load_shares = [0.5, 0.1875, 0.3125]
pv_w = 1200
pv_shares = [0.083333333, 0.666666667, 0.25]
[meter]
model = "{model}"
start_import_wh = 1234567
start_export_wh = 76543
"""


def reads(port: int, model_id: int) -> dict[str, Any]:
    """All points of a model as the foreign client scales them."""
    import sunspec2.modbus.client as foreign

    device = foreign.SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port)
    try:
        device.scan()
        (model,) = device.models[model_id]
        model.read()
        return {name: point.cvalue for name, point in model.points.items()}
    finally:
        device.close()


@pytest.mark.parametrize(("model", "model_id"), [("integer", 203), ("float", 213)])
def test_pysunspec2_finds_and_reads_the_simulated_meter(
    peer: Callable[[str], Path], tmp_path: Path, model: str, model_id: int
) -> None:
    peer("pysunspec2")
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(SCENARIO.format(model=model))
    with subprocess.Popen(
        [sys.executable, "-m", "simulators", str(scenario), "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as simulators:
        assert simulators.stdout is not None
        try:
            ready = json.loads(simulators.stdout.readline())
            found = reads(ready["meter_port"], model_id)
            url = f"http://127.0.0.1:{ready['http_port']}/world"
            world = httpx.get(url, timeout=10.0, trust_env=False).json()
        finally:
            simulators.kill()
    assert [round(watts) for watts in world["pcc_power_w"]] == LOADS_W
    assert found["W"] == pytest.approx(2000.0, abs=1.0)
    assert [found[f"Wph{phase}"] for phase in "ABC"] == pytest.approx(LOADS_W, abs=1.0)
    assert found["TotWhImp"] == pytest.approx(1234567.0, abs=10.0)
    assert found["TotWhExp"] == pytest.approx(76543.0, abs=10.0)
    assert found["Hz"] == pytest.approx(50.0, abs=0.5)
