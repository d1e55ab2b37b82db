"""The organisation tree: who is seen from where, in pages, API, files, counts and in the database itself."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from browsing import browser
from duilian.infra.database import Access, TenantSession
from duilian.tenants import organisation, people
from duilian.tenants.rights import ROLES
from duilian.tenants.service import create_api_key
from duilian.tenants.sessions import csrf_token
from inside import within
from world import PASSWORD, World, open_world


class Branches:
    """A tenant with two branches; the north one has a department. Each place has one candidate."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.north, self.shop, self.south = within(world, self._plant)
        within(world, self._staff)
        self.people = {
            place: world.invite(name=name, email=f"{place}@people.example", unit=str(unit))
            for place, name, unit in (
                ("north", "北方人", self.north), ("shop", "店面人", self.shop), ("south", "南方人", self.south)
            )
        }  # fmt: skip

    async def _plant(self, session: TenantSession) -> tuple[UUID, UUID, UUID]:
        root = await organisation.root_of(session)
        north = await organisation.add_unit(session, root.id, "North", "branch")
        shop = await organisation.add_unit(session, north.id, "Shop", "department")
        south = await organisation.add_unit(session, root.id, "South", "branch")
        return north.id, shop.id, south.id

    async def _staff(self, session: TenantSession) -> None:
        slug = self.world.slug
        for name, unit, role in (
            ("north", self.north, "department_manager"), ("south", self.south, "recruiter"), ("shop", self.shop, "department_manager"),
        ):  # fmt: skip
            await people.add_member(session, f"{name}.head@{slug}.example", name, role, PASSWORD, "en", unit)
        self.south_key = await create_api_key(
            session, slug, "south", set(ROLES["recruiter"]), unit_id=self.south
        )

    def head(self, name: str) -> httpx.Client:
        return self.world.console(f"{name}.head")


@pytest.fixture(scope="module")
def branches(alice: World) -> Branches:
    return Branches(open_world(alice.settings))


def test_a_manager_sees_the_own_branch_and_what_is_below(branches: Branches) -> None:
    table = branches.head("north").get("/console/interviews").text
    assert "北方人" in table and "店面人" in table and "南方人" not in table
    below = branches.head("shop").get("/console/interviews").text
    assert "店面人" in below and "北方人" not in below


def test_counts_and_search_tell_nothing_of_other_branches(branches: Branches) -> None:
    client = branches.head("shop")
    assert '<span class="count">1</span>' in client.get("/console/interviews").text
    assert "南方人" not in client.get("/console/interviews", params={"q": "南方"}).text
    assert "店面人" in client.get("/console/interviews", params={"q": "店面"}).text
    assert "店面人" in client.get("/console/interviews", params={"q": "SHOP@people"}).text


@pytest.mark.parametrize("path", ["", "/progress", "/report.pdf", "/answers/intro/media"])
def test_another_branchs_interview_does_not_exist(branches: Branches, path: str) -> None:
    mine, other = branches.people["shop"]["interview"], branches.people["south"]["interview"]
    client = branches.head("shop")
    assert client.get(f"/console/interviews/{other}{path}").status_code == 404
    assert client.get(f"/console/interviews/{UUID(int=7)}{path}").status_code == 404
    assert path or client.get(f"/console/interviews/{mine}").status_code == 200


def test_another_branchs_interview_cannot_be_decided(branches: Branches) -> None:
    client = branches.head("shop")
    csrf = csrf_token(client.cookies["duilian_session"].partition(".")[2])
    form = {"outcome": "hold", "reason": "for later", "csrf": csrf}
    answer = client.post(f"/console/interviews/{branches.people['south']['interview']}/decision", data=form)
    assert answer.status_code == 404


def test_a_key_of_a_branch_reads_and_invites_there_only(branches: Branches) -> None:
    api = branches.world.api(branches.south_key)
    assert [item["id"] for item in api.get("/api/v1/interviews").json()["items"]] == [
        branches.people["south"]["interview"]
    ]
    assert api.get(f"/api/v1/interviews/{branches.people['north']['interview']}").status_code == 404
    body = {"name": "x", "email": "new@people.example", "question_set": branches.world.set_key}
    assert api.post("/api/v1/invitations", json=body | {"unit": str(branches.north)}).status_code == 404
    assert api.post("/api/v1/invitations", json=body).json()["unit"] == str(branches.south)


def test_inviting_tells_nothing_of_a_person_in_another_branch(branches: Branches) -> None:
    """The same address is open in the north: the south invites as if nobody knew it."""
    body = {"name": "x", "email": "north@people.example", "question_set": branches.world.set_key}
    answer = branches.world.api(branches.south_key).post("/api/v1/invitations", json=body)
    assert answer.status_code == 201


def test_tenant_wide_pages_need_a_role_at_the_root(branches: Branches) -> None:
    async def grant(session: TenantSession) -> None:
        member = await people.member_by_email(session, f"shop.head@{branches.world.slug}.example")
        assert member is not None
        await people.grant_role(session, member.id, branches.shop, "admin")

    within(branches.world, grant)
    client = branches.head("shop")
    assert client.get("/console/people").status_code == 403
    assert client.get("/console/audit").status_code == 403
    assert client.get("/console/interviews").status_code == 200


def test_the_database_hides_other_branches_whatever_the_query_says(branches: Branches) -> None:
    async def seen(session: TenantSession) -> dict[str, int]:
        tables = ("candidates", "invitations", "interviews", "answers", "consents", "reports", "takes")
        return {
            table: (await session.execute(text(f"select count(*) from {table}"))).scalar_one()
            for table in tables
        }

    shop = within(branches.world, seen, Access(units=frozenset({branches.shop})))
    assert shop["candidates"] == shop["invitations"] == shop["interviews"] == 1
    nowhere = within(branches.world, seen, Access(units=frozenset()))
    assert set(nowhere.values()) == {0}
    assert within(branches.world, seen)["candidates"] >= 3


def test_moving_a_unit_moves_what_hangs_on_it(branches: Branches) -> None:
    async def move(session: TenantSession) -> None:
        await organisation.move_unit(session, branches.shop, branches.south)

    async def back(session: TenantSession) -> None:
        await organisation.move_unit(session, branches.shop, branches.north)

    within(branches.world, move)
    try:
        assert "店面人" not in branches.head("north").get("/console/interviews").text
        assert "店面人" in branches.head("south").get("/console/interviews").text
    finally:
        within(branches.world, back)


def test_a_unit_cannot_be_moved_below_itself(branches: Branches) -> None:
    client = branches.world.console("admin")
    csrf = csrf_token(client.cookies["duilian_session"].partition(".")[2])
    answer = client.post(
        f"/console/organisation/units/{branches.north}/move",
        data={"parent": str(branches.shop), "csrf": csrf},
    )
    assert answer.status_code == 409


class TestConsultant:
    """Somebody of another organisation: enters by the grant, only while it lasts, on record in both logs."""

    @pytest.fixture(scope="class")
    def guest(self, branches: Branches, charlie: World) -> tuple[httpx.Client, str]:
        client = charlie.console("admin")
        return client, csrf_token(client.cookies["duilian_session"].partition(".")[2])

    def enter(self, guest: tuple[httpx.Client, str], slug: str) -> httpx.Response:
        client, csrf = guest
        return client.post("/console/enter", data={"slug": slug, "csrf": csrf})

    def let_in(self, branches: Branches, charlie: World) -> None:
        owner = branches.world.console("admin")
        csrf = csrf_token(owner.cookies["duilian_session"].partition(".")[2])
        form = {"home": charlie.slug, "email": f"admin@{charlie.slug}.example", "days": "3"}
        answer = owner.post(
            "/console/people/consultants", data=form | {"unit": str(branches.north), "csrf": csrf}
        )
        assert answer.status_code == 303, answer.text[:300]

    def test_without_a_grant_nothing_opens_and_nothing_is_told(
        self, branches: Branches, guest: tuple[httpx.Client, str]
    ) -> None:
        refused = self.enter(guest, branches.world.slug)
        unknown = self.enter(guest, "no-such-company")
        assert refused.status_code == unknown.status_code == 422
        said = [answer.text.replace(slug, "") for answer, slug in ((refused, branches.world.slug), (unknown, "no-such-company"))]  # fmt: skip
        assert said[0] == said[1]

    def test_with_a_grant_the_consultant_enters_until_it_is_revoked(
        self, branches: Branches, charlie: World, guest: tuple[httpx.Client, str]
    ) -> None:
        self.let_in(branches, charlie)
        client = browser(charlie.url)
        answer = self.enter(guest, branches.world.slug)
        assert answer.status_code == 303
        client.cookies.set("duilian_session", answer.cookies["duilian_session"], path="/console")
        assert client.get("/console/question-sets").status_code == 200
        assert client.get("/console/interviews").status_code == 403

        owner = branches.world.console("admin")
        csrf = csrf_token(owner.cookies["duilian_session"].partition(".")[2])
        page = owner.get("/console/people").text
        grant = page.split("/console/people/consultants/")[1].split("/")[0]
        assert f"admin@{charlie.slug}.example" in page
        owner.post(f"/console/people/consultants/{grant}/revoke", data={"csrf": csrf})
        assert client.get("/console/question-sets").status_code in (303, 401)
        log = owner.get("/console/audit", params={"action": "consultant."}).text
        assert "consultant.let-in" in log and "consultant.shut-out" in log
