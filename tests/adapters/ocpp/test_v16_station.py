"""A 1.6J station over a real socket: what it says, what it is told, and restarts in between."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import Json, schema
from v2g_daemon.adapters.ocpp import EvseConfig, OcppVersion
from v2g_daemon.domain.readings import OutcomeKind, PowerControl, VehicleIdentity

VERSIONS = (OcppVersion.V2_1, OcppVersion.V2_0_1, OcppVersion.V1_6)
AT = "2024-12-11T17:00:00Z"
CONFIGURATION = {
    "chargingScheduleAllowedChargingRateUnit": "Current,Power",
    "ChargeProfileMaxStackLevel": "8",
    "MeterValueSampleInterval": "60",
    "MeterValuesSampledData": "Energy.Active.Import.Register",
    "HeartbeatInterval": "60",
}
EVSE_16A = EvseConfig(
    evse_id="garage",
    static_safe_current_a=10.0,
    max_charge_w=11000.0,
    min_charge_w=4140.0,
    phases=3,
)


class OldStation:
    """One 1.6 connection that checks every call of ours by the schemas."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.asked: list[tuple[str, Json]] = []
        self.answers: dict[str, Callable[[Json], Json]] = {}
        self._replies: dict[str, asyncio.Future[list[Any]]] = {}
        self._arrived = asyncio.Condition()
        self._next = 0

    async def listen(self) -> None:
        async for raw in self.socket:
            frame = json.loads(raw)
            if frame[0] != 2:
                self._replies[frame[1]].set_result(frame)
                continue
            _, message_id, action, payload = frame
            answer = self.answers.get(action, self._usual(action))(payload)
            await self.socket.send(json.dumps([3, message_id, answer]))
            async with self._arrived:
                self.asked.append((action, payload))
                self._arrived.notify_all()

    def _usual(self, action: str) -> Callable[[Json], Json]:
        if action == "GetConfiguration":
            return lambda payload: {
                "configurationKey": [
                    {"key": key, "readonly": False, "value": value}
                    for key, value in CONFIGURATION.items()
                    if key.casefold() in {one.casefold() for one in payload["key"]}
                ]
            }
        return lambda _: {"status": "Rejected" if action == "TriggerMessage" else "Accepted"}

    async def call(self, action: str, payload: Json) -> Json:
        self._next += 1
        frame = await self.raw(f"m{self._next}", action, payload)
        assert frame[0] == 3, frame
        schema("ocpp1.6", f"{action}Response").validate(frame[2])
        answer: Json = frame[2]
        return answer

    async def raw(self, message_id: str, action: str, payload: Json) -> list[Any]:
        self._replies[message_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(5):
            return await self._replies[message_id]

    async def until_asked(self, action: str, *, count: int = 1) -> Json:
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.of(action)) >= count)
        return self.of(action)[count - 1]

    def of(self, action: str) -> list[Json]:
        return [payload for name, payload in self.asked if name == action]

    async def boot(self) -> None:
        told = {"chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "S-9"}
        assert (await self.call("BootNotification", told))["status"] == "Accepted"
        await self.status("Available")
        await self.until_asked("GetCompositeSchedule")

    async def status(self, status: str) -> None:
        told = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": AT}
        assert await self.call("StatusNotification", told) == {}

    async def start(self) -> int:
        told = {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": AT}
        answer = await self.call("StartTransaction", told)
        assert answer["idTagInfo"] == {"status": "Accepted"}
        number: int = answer["transactionId"]
        return number

    async def measure(self, number: int, *values: Json) -> None:
        entry = {"timestamp": AT, "sampledValue": list(values)}
        told = {"connectorId": 1, "transactionId": number, "meterValue": [entry]}
        assert await self.call("MeterValues", told) == {}


@asynccontextmanager
async def old_station(bench: Bench, *, names_it: bool = True) -> AsyncIterator[OldStation]:
    secret = base64.b64encode(b"S1:correct horse battery").decode()
    async with connect(
        f"ws://127.0.0.1:{bench.central.bound_port}/ocpp/S1",
        subprotocols=[Subprotocol("ocpp1.6")] if names_it else None,
        additional_headers={"Authorization": f"Basic {secret}"},
    ) as socket:
        station = OldStation(socket)
        listening = asyncio.create_task(station.listen())
        yield station
        listening.cancel()


async def test_an_old_station_charges_within_a_limit_in_tenths_of_an_ampere(
    benches: Benches,
) -> None:
    async with benches(evse=EVSE_16A, versions=VERSIONS) as bench, old_station(bench) as station:
        await station.boot()
        default = await station.until_asked("SetChargingProfile")
        profile = default["csChargingProfiles"]
        assert (default["connectorId"], profile["chargingProfilePurpose"]) == (
            1,
            "TxDefaultProfile",
        )
        assert profile["chargingSchedule"]["chargingRateUnit"] == "A"
        period = profile["chargingSchedule"]["chargingSchedulePeriod"]
        assert period == [{"startPeriod": 0, "limit": 10.0, "numberPhases": 3}]
        changed = {one["key"]: one["value"] for one in station.of("ChangeConfiguration")}
        assert changed["MeterValueSampleInterval"] == "5"
        assert changed["MeterValuesSampledData"].startswith("Power.Active.Import")
        await station.status("Preparing")
        await bench.until(lambda status: status.plugged_in)
        number = await station.start()
        status = await bench.until(lambda status: status.transaction_id == str(number))
        assert status.serial == "S-9"
        assert status.charge_milliwh == 1_000_000
        assert status.identity == VehicleIdentity(evccid=None, id_token="TAG")
        assert status.capability is not None
        assert status.capability.control is PowerControl.CHARGE_LIMIT
        bench.setpoint(9500.0)  # 9500 W on three phases of 230 V are 13.768 A
        lease = (await station.until_asked("SetChargingProfile", count=2))["csChargingProfiles"]
        assert (lease["transactionId"], lease["chargingProfilePurpose"]) == (number, "TxProfile")
        assert lease["stackLevel"] > profile["stackLevel"]
        schedule = lease["chargingSchedule"]
        assert schedule["chargingSchedulePeriod"][0]["limit"] == 13.7
        assert schedule["duration"] == 100  # 90 s, and it began 10 s ago
        status = await bench.until(lambda status: status.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.APPLIED
        for action, payload in station.asked:
            errors = schema("ocpp1.6", action).iter_errors(payload)
            assert [one.message for one in errors if one.validator != "multipleOf"] == []


async def test_its_meter_values_are_texts_in_any_unit(benches: Benches) -> None:
    async with benches(evse=EVSE_16A, versions=VERSIONS) as bench, old_station(bench) as station:
        await station.boot()
        number = await station.start()
        await station.measure(
            number,
            {"value": " 7.2 ", "measurand": "Power.Active.Import", "unit": "kW"},
            {"value": "1.25", "unit": "kWh"},
            {"value": "55", "measurand": "SoC", "unit": "Percent", "location": "EV"},
            {"value": "n/a", "measurand": "Voltage"},
        )
        status = await bench.until(lambda status: status.power_w == 7200.0)
        assert (status.charge_milliwh, status.soc) == (1_250_000, 0.55)


async def test_one_value_that_breaks_its_schema_costs_not_the_others(benches: Benches) -> None:
    async with benches(evse=EVSE_16A, versions=VERSIONS) as bench, old_station(bench) as station:
        await station.boot()
        number = await station.start()
        await station.measure(
            number,
            {"value": "41.5", "measurand": "Temperature", "unit": "Degrees"},
            {"value": 7200, "measurand": "Power.Offered", "unit": "W"},
            {"value": "3000", "measurand": "Power.Active.Import", "unit": "W", "evb_mood": "ok"},
            {"value": "1", "measurand": "Power.Factor", "unit": "cos"},
        )
        await bench.until(lambda status: status.power_w == 3000.0)


async def test_a_car_that_stops_taking_power_is_seen_and_its_end_too(benches: Benches) -> None:
    async with benches(evse=EVSE_16A, versions=VERSIONS) as bench, old_station(bench) as station:
        await station.boot()
        number = await station.start()
        await station.status("SuspendedEV")
        await bench.until(lambda status: status.car_stopped)
        told = {"transactionId": number, "meterStop": 5000, "timestamp": AT, "reason": "Local"}
        assert await station.call("StopTransaction", told) == {}
        status = await bench.until(lambda status: status.transaction_id is None)
        assert (status.plugged_in, status.charge_milliwh) == (True, 5_000_000)
        await station.status("Available")
        await bench.until(lambda status: not status.plugged_in)


async def test_a_start_told_twice_has_one_number_and_a_new_one_another(benches: Benches) -> None:
    async with benches(evse=EVSE_16A, versions=VERSIONS) as bench:
        async with old_station(bench) as station:
            await station.boot()
            number = await station.start()
        async with old_station(bench) as station:
            assert await station.start() == number
            told = {"connectorId": 1, "idTag": "TAG", "meterStart": 1001, "timestamp": AT}
            assert (await station.call("StartTransaction", told))["transactionId"] > number


async def test_a_transaction_of_before_a_restart_is_taken_up_by_its_meter_values(
    benches: Benches,
) -> None:
    async with benches(evse=EVSE_16A, versions=VERSIONS) as bench, old_station(bench) as station:
        await station.measure(
            77, {"value": "3000", "measurand": "Power.Active.Import", "unit": "W"}
        )
        status = await bench.until(lambda status: status.power_w == 3000.0)
        assert (status.transaction_id, status.plugged_in) == ("77", True)
        await station.until_asked("ChangeConfiguration", count=2)  # the last things it is asked
        await asyncio.sleep(0.2)
        bench.setpoint(6900.0)
        lease = await station.until_asked("SetChargingProfile", count=2)
        assert lease["csChargingProfiles"]["transactionId"] == 77


async def test_a_station_that_names_no_version_is_an_old_one(benches: Benches) -> None:
    async with (
        benches(evse=EVSE_16A, versions=VERSIONS) as bench,
        old_station(bench, names_it=False) as station,
    ):
        assert "currentTime" in await station.call("Heartbeat", {})


async def test_errors_are_spelled_as_in_1_6(benches: Benches) -> None:
    async with benches(evse=EVSE_16A, versions=VERSIONS) as bench, old_station(bench) as station:
        missing = await station.raw("x1", "StartTransaction", {"connectorId": 1})
        unknown = await station.raw("x2", "NotifyReport", {})
        assert (missing[0], missing[2]) == (4, "OccurenceConstraintViolation")
        assert (unknown[0], unknown[2]) == (4, "NotImplemented")


async def test_a_field_of_the_firmwares_own_does_no_harm(benches: Benches) -> None:
    async with benches(evse=EVSE_16A, versions=VERSIONS) as bench, old_station(bench) as station:
        told = {"connectorId": 0, "errorCode": "NoError", "status": "Available", "evb_mood": "ok"}
        assert await station.call("StatusNotification", told) == {}


async def test_an_old_station_is_asked_what_will_govern_and_its_answer_compared(
    benches: Benches,
) -> None:
    async with benches(evse=EVSE_16A, versions=VERSIONS) as bench, old_station(bench) as station:
        await station.boot()
        station.answers["GetCompositeSchedule"] = lambda _: {
            "status": "Accepted",
            "connectorId": 1,
            "scheduleStart": AT,
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}],
            },
        }
        await station.start()
        bench.setpoint(6900.0)
        status = await bench.until(lambda s: s.outcome is not None and s.outcome.detail != "")
        assert status.outcome is not None
        assert status.outcome.detail.startswith("the station's own schedule says 4140 W; ")
        asked = station.of("GetCompositeSchedule")[-1]
        assert asked == {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"}
