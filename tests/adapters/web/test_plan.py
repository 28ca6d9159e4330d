"""`/api/v1/plan` over the socket: read-only, and never before the first tick."""

from __future__ import annotations

from fastapi import FastAPI

from tests.adapters.web.conftest import Serving, until_served
from tests.builders import a_plan, a_policy
from tests.unit.step.news import played, some_news
from v2g_daemon.adapters.web.plan_routes import add_plan_route
from v2g_daemon.app.plans import PlanDesk


def an_app(desk: PlanDesk) -> FastAPI:
    app = FastAPI()
    add_plan_route(app, desk.plan)
    return app


async def test_before_the_first_tick_there_is_nothing_to_tell(serving: Serving) -> None:
    async with serving(an_app(PlanDesk(policy=a_policy()))) as client:
        await until_served(client)
        assert (await client.get("/api/v1/plan")).status_code == 503


async def test_the_plan_of_the_newest_tick_is_told(serving: Serving) -> None:
    desk = PlanDesk(policy=a_policy())
    for outcome in played([some_news(plans=(a_plan(),))])[1]:
        desk.see(outcome)
    async with serving(an_app(desk)) as client:
        await until_served(client)
        answer = (await client.get("/api/v1/plan")).json()
        assert answer["currency"] == "EUR"
        (evse,) = answer["evses"]
        assert (evse["evse_id"], evse["standing"], evse["plan_id"]) == ("carport", "planned", "p1")
        assert len(evse["slots"]) == 192
        assert (await client.post("/api/v1/plan")).status_code == 405
