"""Plan problems and plans for the planning child's pipe: one line of JSON each.

Apart from the trace: the child is started for each plan and loads no more than it needs.
"""

from __future__ import annotations

from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.trace.json_form import dump, parse, structure, unstructure


def encode_problem(problem: PlanProblem) -> bytes:
    """One line of JSON, without its end."""
    return dump(unstructure(problem, PlanProblem))


def decode_problem(text: bytes) -> PlanProblem:
    """The problem as it was; raises TraceError."""
    return structure(parse(text), PlanProblem)


def encode_plan(plan: Plan) -> bytes:
    """One line of JSON, without its end."""
    return dump(unstructure(plan, Plan))


def decode_plan(text: bytes) -> Plan:
    """The plan as it was; raises TraceError."""
    return structure(parse(text), Plan)
