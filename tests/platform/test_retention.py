"""Retention: clocks, previews, holds, receipts; repeated and cut short, it erases what is due and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from duilian.infra.database import TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.app.up import Stack
from duilian.platform.privacy import erasing, retention
from duilian.platform.privacy.models import Erasure
from duilian.platform.recruiting.models import Candidate
from duilian.platform.reports.models import Report
from duilian.platform.sessions.models import Interview
from duilian.platform.web.words import t
from duilian.tenants.keyring import open_database, open_keyring
from finished import Finished, reported
from inside import within
from playing import spoken
from world import World, open_world, run

Document = dict[str, Any]
WEAK = spoken("zh", "weak", "complaint")


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    """A tenant in mainland China: recordings 180 days, records 730."""
    return open_world(stack.settings)


def duilian(stack: Stack, *arguments: str) -> Any:
    """The command line; its JSON."""
    environment = os.environ | {"DUILIAN_SETTINGS": str(stack.settings.data_dir / "env")}
    command = [str(Path(sys.executable).parent / "duilian"), *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def aged(me: Finished, days: float) -> Finished:
    """As if the interview had ended so many days ago."""

    async def set_back(session: TenantSession) -> None:
        statement = "update interviews set submitted_at = :at where id = cast(:id as uuid)"
        await session.execute(text(statement), {"at": datetime.now(UTC) - timedelta(days=days), "id": me.id})

    within(me.world, set_back)
    return me


def numbers(world: World) -> tuple[int, int]:
    """(reports, interviews with recordings) of the tenant."""

    async def count(session: TenantSession) -> tuple[int, int]:
        reports = await session.scalar(select(func.count()).select_from(Report)) or 0
        media = await session.scalar(text("select count(*) from takes")) or 0
        return reports, media

    return within(world, count)


def test_media_and_records_have_clocks_of_their_own(stack: Stack) -> None:
    world = open_world(stack.settings)
    me = aged(reported(world, [WEAK[0]]), 179.5)
    soon = duilian(stack, "retention", "preview", "--tenant", world.slug, "--days", "30")
    assert [row["interview"] for row in soon] == [me.id]
    assert soon[0]["media"] < soon[0]["records"]
    assert duilian(stack, "retention", "run", "--tenant", world.slug) == []
    assert numbers(world) == (1, 1), "half a day early nothing goes"
    aged(me, 180.5)
    receipts = duilian(stack, "retention", "run", "--tenant", world.slug)
    assert [(r["cause"], r["scope"]) for r in receipts] == [("retention", "media")]
    assert {part["what"]: part["count"] for part in receipts[0]["erased"]} == {"recordings": 1, "takes": 1}
    assert numbers(world) == (1, 0)
    assert duilian(stack, "retention", "run", "--tenant", world.slug) == [], "once"
    aged(me, 731)
    receipts = duilian(stack, "retention", "run", "--tenant", world.slug)
    assert [r["scope"] for r in receipts] == ["records"]
    assert numbers(world) == (0, 0)
    assert me.api.get("/").json()["status"] == "erased"
    assert me.mine()["erased_at"], "the last interview took the person with it"


def test_the_stamped_policy_governs(stack: Stack) -> None:
    """A shorter period holds for interviews opened after it was set."""
    world = open_world(stack.settings)
    before = aged(reported(world, [WEAK[0]]), 31)
    office = world.console("admin")
    csrf = token(office.get("/console/policy").text)
    form = {"csrf": csrf, "media": "30", "records": "", "notice": ""}
    assert office.post("/console/policy/periods", data=form).status_code == 303
    after = aged(reported(world, [WEAK[0]]), 31)
    receipts = duilian(stack, "retention", "run", "--tenant", world.slug)
    assert [r["scope"] for r in receipts] == ["media"]
    assert "recordings" in before.counts()
    assert "recordings" not in after.counts()


def token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_legal_hold_stops_everything_and_says_so(stack: Stack) -> None:
    world = open_world(stack.settings)
    me = reported(world, [WEAK[0]])
    office = world.console("admin")
    csrf = token(office.get(f"/console/interviews/{me.id}").text)
    place = f"/console/interviews/{me.id}/hold"
    assert office.post(place, data={"csrf": csrf, "reason": ""}).status_code == 422
    reason = "劳动仲裁 2026-17 号"
    assert office.post(place, data={"csrf": csrf, "reason": reason}).status_code == 303
    assert office.post(place, data={"csrf": csrf, "reason": reason}).status_code == 409
    assert me.mine()["legal_holds"] == [{"interview": me.id, "reason": reason}]
    aged(me, 800)
    shown = duilian(stack, "retention", "preview", "--tenant", world.slug)
    assert [row["hold"] for row in shown] == [reason]
    assert duilian(stack, "retention", "run", "--tenant", world.slug) == []
    waiting = me.receipt(me.erase())
    assert waiting["finished_at"] is None
    assert {"what": "hold", "interview": me.id, "reason": reason} in waiting["kept"]
    assert waiting["erased"] == []
    assert numbers(world) == (1, 1)
    assert reason in me.page.get(f"/my-data/receipts/{waiting['number']}").text
    assert reason in office.get("/console/retention").text
    assert office.post(f"{place}/lift", data={"csrf": csrf}).status_code == 303
    within(world, long_ago)
    receipts = duilian(stack, "retention", "run", "--tenant", world.slug)
    mine = next(r for r in receipts if r["number"] == waiting["number"])
    assert mine["finished_at"] and {part["what"] for part in mine["erased"]} >= {"recordings", "reports"}
    assert numbers(world) == (0, 0)


async def long_ago(session: TenantSession) -> None:
    await session.execute(text("update erasures set requested_at = now() - interval '2 hours'"))


def test_the_database_refuses_under_a_hold(world: World) -> None:
    """Even a mistake in the application cannot erase what is held."""
    me = reported(world)

    async def try_it(session: TenantSession) -> None:
        interview = (await session.scalars(select(Interview).where(Interview.id == UUID(me.id)))).one()
        candidate = (
            await session.scalars(
                text("select candidate_id from invitations where id = :id"), {"id": interview.invitation_id}
            )
        ).one()
        from duilian.platform.privacy import holds

        await holds.place(session, interview.id, "a reason")
        row = await erasing.request(session, candidate, interview.id, "retention", "records", 1)
        names = {"erasure": row.id, "interview": interview.id}
        await session.execute(text("select erase_records(:erasure, :interview)"), names)

    with pytest.raises(Exception, match="legal hold"):
        within(world, try_it)


class Stumbling(ObjectStore):
    """A store whose process dies at the n-th deletion."""

    left = 0

    async def delete(self, tenant_id: UUID, names: list[str]) -> None:
        if names and self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        await super().delete(tenant_id, names)


def test_killed_half_way_it_goes_on(stack: Stack) -> None:
    """Two interviews of one person; the first is gone when the process dies, the second follows, the receipt tells all."""
    world = open_world(stack.settings)
    first = reported(world, [WEAK[0]])
    second = Finished(world, world.invite("recommendation", email=first.mine()["person"]["email"]))
    assert second.mine()["person"] == first.mine()["person"]

    async def ask(session: TenantSession) -> UUID:
        candidate = (await session.scalars(select(Candidate))).one()
        row = Erasure(
            candidate_id=candidate.id, interview_id=None, cause="request", scope="all", requested_by="candidate",
            requested_at=datetime.now(UTC), due_at=datetime.now(UTC), progress={}, finished_at=None, receipt=None,
        )  # fmt: skip
        session.add(row)
        await session.flush()
        return row.id

    erasure_id = within(world, ask)

    async def carry_out(store: ObjectStore) -> None:
        database = open_database(world.settings, open_keyring(world.settings), 2)
        try:
            await erasing.Eraser(database, store).run(world.tenant_id, str(erasure_id))
        finally:
            await database.close()

    with pytest.raises(KeyboardInterrupt):
        run(carry_out(Stumbling(world.settings)))
    assert numbers(world) == (1, 1), "its transaction was rolled back"
    run(carry_out(ObjectStore(world.settings)))
    run(carry_out(ObjectStore(world.settings)))
    receipt = first.receipt(str(erasure_id))
    counts = {part["what"]: part["count"] for part in receipt["erased"]}
    assert (counts["recordings"], counts["interviews"], counts["candidates"]) == (1, 2, 1)
    assert numbers(world) == (0, 0)


def test_people_who_never_came_are_forgotten_too(stack: Stack) -> None:
    world = open_world(stack.settings)
    office = world.console("recruiter")
    page = office.get("/console/invite").text
    form = {
        "csrf": token(page),
        "set": world.set_key,
        "people": "林晓, never@came.example",
        "hours": "1",
        "locale": "zh-CN",
    }
    assert "never@came.example" in office.post("/console/invite", data=form).text

    async def age(session: TenantSession) -> None:
        await session.execute(text("update invitations set deadline = now() - interval '731 days'"))

    within(world, age)
    receipts = duilian(stack, "retention", "run", "--tenant", world.slug)
    assert [r["scope"] for r in receipts] == ["records"]
    assert "never@came.example" not in office.get("/console/interviews").text


def test_the_console_previews_runs_and_keeps_receipts(stack: Stack) -> None:
    world = open_world(stack.settings)
    me = aged(reported(world, [WEAK[0]]), 170)
    office = world.console("admin")
    page = office.get("/console/retention?days=30").text
    assert f"/console/interviews/{me.id}" in page
    assert f"/console/interviews/{me.id}" not in office.get("/console/retention?days=7").text
    report = office.get(f"/console/interviews/{me.id}").text
    assert 'id="clocks-title"' in report
    assert t("zh-CN", "console.retention.soon", n=10) in office.get("/console/interviews").text
    aged(me, 181)
    assert office.post("/console/retention/run", data={"csrf": token(page)}).status_code == 303
    number = wait_for_receipt(world)
    receipt = office.get(f"/console/retention/receipts/{number}").json()
    assert receipt["scope"] == "media"
    assert world.console("recruiter").get("/console/retention").status_code == 403


def wait_for_receipt(world: World) -> UUID:
    import time

    async def read(session: TenantSession) -> UUID | None:
        return await session.scalar(select(Erasure.id).where(Erasure.finished_at.is_not(None)))

    deadline = time.monotonic() + 60
    while (found := within(world, read)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return found


def test_it_is_a_job_of_every_day() -> None:
    from duilian.platform.app import worker

    source = Path(worker.__file__).read_text("utf-8")
    assert 'worker.daily(RETENTION, "01:20", database)' in source
    assert retention.RETENTION == "privacy.retention"
