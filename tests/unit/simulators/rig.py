"""A simulated station without a link: time by hand, every message answered at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulators.faults import FaultBoard, fault_of
from simulators.scenario import StationTable
from simulators.station import handlers
from simulators.station.misbehaviour import answers, messages
from simulators.station.misbehaviour.messages import Told
from simulators.station.session import Rhythm, observe
from simulators.station.station import Station
from simulators.station.v16 import OldWords
from simulators.station.wire import Call
from simulators.world import Outlet, World
from tests.unit.simulators.worlds import START_S, electronics, house, vehicle

Json = dict[str, Any]
ANSWERS: dict[str, Json] = {
    "Authorize": {
        "idTokenInfo": {"status": "Accepted"},
        "allowedEnergyTransfer": ["AC_three_phase", "AC_BPT", "DC_BPT"],
    },
    "NotifyEVChargingNeeds": {"status": "Accepted"},
    "TransactionEvent": {"idTokenInfo": {"status": "Accepted"}},
    "PullDynamicScheduleUpdate": {"status": "Rejected"},
}


@dataclass
class HandClock:
    """Stands still until it is told the time."""

    at_s: float = START_S
    speed: float = 1.0

    def now_s(self) -> float:
        return self.at_s

    def real_s(self, simulated_s: float) -> float:
        return simulated_s


@dataclass
class Rig:
    """A station with its world, and what it told."""

    station: Station
    clock: HandClock
    rhythm: Rhythm = field(default_factory=Rhythm)
    told: list[Told] = field(default_factory=list)

    def run(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time pass; whatever the station has to say is said and answered."""
        until_s = self.clock.at_s + seconds
        while self.clock.at_s < until_s:
            self.clock.at_s = min(self.clock.at_s + step_s, until_s)
            observe(self.station, self.rhythm)
            self.deliver()

    def deliver(self) -> None:
        """Empty the queue, as a link would."""
        while self.station.online and self.station.queue:
            message = self.station.queue.popleft()
            payload = message.payload()
            told = None if payload is None else messages.told(self.station, message.action, payload)
            if told is not None:
                self.told.append(told)
            if payload is not None and message.on_answer is not None:
                message.on_answer(ANSWERS.get(message.action, {}))

    def ask(self, action: str, request: Json) -> Json:
        """A call of the central system; {"code": ...} for a CALLERROR."""
        call = Call(message_id="1", action=action, payload=request)
        faults = self.station.faults_now()
        code = answers.error_code(faults, call)
        if code is not None:
            return {"code": code}
        if self.station.speaks_old:
            answer = OldWords(self.station).answered(action, request)
        else:
            answer = handlers.answer(self.station, action, request)
        assert answer is not None
        return answers.changed(faults, action, answer)

    def profile(self, *periods: Json, **fields: Any) -> Json:
        """Install a TxProfile in W, Dynamic in 2.1; the answer."""
        dynamic = self.station.version == "ocpp2.1"
        schedule: Json = {
            "id": 1,
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [
                {"startPeriod": 60 * index, **period} for index, period in enumerate(periods)
            ],
            **fields.pop("schedule", {}),
        }
        transaction = self.station.transaction
        profile: Json = {
            "id": 9,
            "stackLevel": 2,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Dynamic" if dynamic else "Relative",
            "chargingSchedule": [schedule],
            **({} if transaction is None else {"transactionId": transaction.id}),
            **fields,
        }
        given = {name: value for name, value in profile.items() if value is not None}
        return self.ask("SetChargingProfile", {"evseId": 1, "chargingProfile": given})

    def setpoint(self, power_w: float, **fields: Any) -> Json:
        """Install a signed setpoint."""
        return self.profile({"operationMode": "CentralSetpoint", "setpoint": power_w}, **fields)

    def limit(self, power_w: float, **fields: Any) -> Json:
        """Install a charging limit."""
        return self.profile({"limit": power_w}, **fields)

    def fault(self, kind: str, **given: Any) -> None:
        """Set a fault from now on."""
        self.station.faults.add(fault_of("S1", kind, given, from_s=self.clock.at_s, for_s=None))

    def clear(self) -> None:
        """End all faults."""
        self.station.faults.clear("S1")

    @property
    def power_w(self) -> float:
        """The true power at the EVSE."""
        self.station.now_s()
        return self.station.outlet.power_w

    def events(self, **fields: Any) -> list[Json]:
        """The TransactionEvents told, with the given fields."""
        return [
            one.payload
            for one in self.told
            if one.action == "TransactionEvent" and fields.items() <= one.payload.items()
        ]

    def of(self, action: str) -> list[Json]:
        """What was told of an action."""
        return [one.payload for one in self.told if one.action == action]

    def sample(self) -> dict[str, Json]:
        """The newest sampled values by measurand."""
        event = next(one for one in reversed(self.events()) if "meterValue" in one)
        return {one["measurand"]: one for one in event["meterValue"][0]["sampledValue"]}

    def go_offline(self) -> None:
        """Lose the link."""
        self.station.went_offline()

    def come_back(self) -> None:
        """Find the link again."""
        self.station.went_online()
        self.deliver()


def rig(*, plugged: bool = True, load_w: float = 600.0, **table: Any) -> Rig:
    """A booted station that ramps at once, with a car at 50 % and its service settled."""
    clock = HandClock()
    values = {
        "id": "S1",
        "url": "ws://127.0.0.1:1/ocpp",
        "sample_interval_s": 5,
        "local_authorization_offline": True,
        **table,
    }
    made = StationTable.model_validate(values)
    car = vehicle()
    outlet = Outlet(
        station="S1",
        electronics=electronics(
            ramp_up_w_per_s=1e9, ramp_down_w_per_s=1e9, max_discharge_w=made.max_discharge_w
        ),
    )
    world = World(start_s=START_S, house=house(load_w=load_w), outlets=[outlet], vehicles=[car])
    if plugged:
        world.plug(car, "S1")
    station = Station(table=made, clock=clock, world=world, faults=FaultBoard())  # type: ignore[arg-type]
    station.speak(made.versions[0])
    station.went_online()
    station.accepted = True
    station.boot_status = "Accepted"
    return Rig(station=station, clock=clock)


def charging_rig(**table: Any) -> Rig:
    """The same after ten seconds: the transaction runs and its service is settled."""
    made = rig(**table)
    made.run(10.0)
    assert made.station.energy_allowed()
    return made
