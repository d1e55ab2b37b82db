"""Of migration 0006, what lies outside any tenant: drafts of tenants that are not open yet, and how often was tried.

The application's role has no right to either table. It calls functions that want the hash of a secret, so that a draft
can be found by who holds its secret, and drafts cannot be listed.
"""

from __future__ import annotations

from alembic import op

_FUNCTIONS = (
    # Begins a draft, or puts other words into it. fresh: a new code was made, its tries begin anew.
    """
    create function keep_draft(cookie text, link text, wrapped bytea, words bytea, until timestamptz, fresh boolean)
    returns void language sql security definer set search_path = public, pg_temp as $$
        insert into tenant_drafts (cookie_hash, link_hash, link_wrapped, sealed, expires_at)
        values (cookie, link, wrapped, words, until)
        on conflict (cookie_hash) do update set link_hash = excluded.link_hash, link_wrapped = excluded.link_wrapped,
            sealed = excluded.sealed, tries = case when fresh then 0 else tenant_drafts.tries end
    $$
    """,
    """
    create function draft_of(cookie text) returns table (wrapped bytea, words bytea, tried integer, until timestamptz)
    language sql stable security definer set search_path = public, pg_temp as $$
        select link_wrapped, sealed, tries, expires_at from tenant_drafts
        where cookie_hash = cookie and expires_at > now()
    $$
    """,
    """
    create function draft_behind(link text) returns bytea language sql stable security definer
    set search_path = public, pg_temp as $$
        select sealed from tenant_drafts where link_hash = link and expires_at > now()
    $$
    """,
    # To another browser: the cookie that opened it before opens nothing from here on.
    """
    create function move_draft(link text, cookie text, wrapped bytea) returns boolean language sql security definer
    set search_path = public, pg_temp as $$
        with moved as (update tenant_drafts set cookie_hash = cookie, link_wrapped = wrapped
            where link_hash = link and expires_at > now() returning 1) select exists (select from moved)
    $$
    """,
    # Counted before the code is looked at: trying in parallel gains nothing.
    """
    create function try_draft(cookie text) returns integer language sql security definer
    set search_path = public, pg_temp as $$
        update tenant_drafts set tries = tries + 1 where cookie_hash = cookie and expires_at > now() returning tries
    $$
    """,
    # The tenant is open. The same form sent twice still finds what it needs to sign in; the hourly run does the rest.
    """
    create function end_draft(cookie text) returns void language sql security definer
    set search_path = public, pg_temp as $$
        update tenant_drafts set expires_at = least(expires_at, now() + interval '10 minutes')
        where cookie_hash = cookie
    $$
    """,
    # False where `who` tried `most` times in the last `minutes`; else one more is counted.
    """
    create function count_start_try(who text, most integer, minutes integer) returns boolean language plpgsql
    security definer set search_path = public, pg_temp as $$
    begin
        perform pg_advisory_xact_lock(hashtextextended('start:' || who, 0));
        if (select count(*) from start_tries t where t.who_hash = who
            and t.happened_at > now() - make_interval(mins => minutes)) >= most then
            return false;
        end if;
        insert into start_tries (who_hash) values (who);
        return true;
    end $$
    """,
    """
    create function erase_drafts() returns integer language sql security definer
    set search_path = public, pg_temp as $$
        delete from start_tries where happened_at < now() - interval '1 day';
        with gone as (delete from tenant_drafts where expires_at <= now() returning 1)
        select count(*)::integer from gone
    $$
    """,
)
_SIGNATURES = (
    "keep_draft(text, text, bytea, bytea, timestamptz, boolean)",
    "draft_of(text)",
    "draft_behind(text)",
    "move_draft(text, text, bytea)",
    "try_draft(text)",
    "end_draft(text)",
    "count_start_try(text, integer, integer)",
    "erase_drafts()",
)


def create() -> None:
    op.execute(
        "create table tenant_drafts (cookie_hash text primary key, link_hash text not null unique,"
        " link_wrapped bytea not null, sealed bytea not null, tries integer not null default 0,"
        " created_at timestamptz not null default now(), expires_at timestamptz not null)"
    )
    op.execute(
        "create table start_tries (who_hash text not null, happened_at timestamptz not null default now())"
    )
    op.execute("create index ix_start_tries_who on start_tries (who_hash, happened_at)")
    for function in _FUNCTIONS:
        op.execute(function)
    for signature in _SIGNATURES:
        op.execute(f"revoke all on function {signature} from public")
        op.execute(f"grant execute on function {signature} to duilian_app")
