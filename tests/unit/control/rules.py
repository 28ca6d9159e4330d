"""One rule at the carport, and what it permits."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

from tests.builders import (
    a_policy,
    a_situation,
    a_snapshot,
    a_vehicle,
    an_evse_memory,
    an_evse_status,
)
from v2g_daemon.control.limits import EvseRule
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.setpoint import Limit
from v2g_daemon.domain.snapshot import Snapshot

NO_DISCHARGE = (0.0, inf)


def limit_of(
    rule: EvseRule,
    *,
    status: EvseStatus | None = None,
    snapshot: Snapshot | None = None,
    policy: Policy | None = None,
    last_w: float | None = None,
) -> Limit | None:
    """The rule applied to the carport; the snapshot's counters and goals come from `snapshot`."""
    status = an_evse_status() if status is None else status
    snapshot = a_snapshot() if snapshot is None else snapshot
    snapshot = replace(snapshot, evses=(status,))
    policy = a_policy() if policy is None else policy
    situation = a_situation(
        status=status, memory=an_evse_memory(last_w), snapshot=snapshot, policy=policy
    )
    return rule(situation, snapshot, policy)


def bounds(limit: Limit | None) -> tuple[float, float]:
    assert limit is not None, "the rule does not apply"
    return limit.permitted.lowest_w, limit.permitted.highest_w


def with_car(**changes: Any) -> Policy:
    return a_policy(vehicles=(a_vehicle(**changes),))
