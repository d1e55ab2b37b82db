"""What `duilian up` shows: each step with its time, the links, and how it ended, in Chinese and English."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from duilian.infra.local.plan import keeps_mail
from duilian.infra.local.supervisor import Notice
from duilian.infra.settings import Settings
from duilian.platform.app.seed import SeedResult


class Screen:
    """Writes to the terminal; plain lines where there is none."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._stopping_since = 0.0

    @contextmanager
    def step(self, zh: str, en: str) -> Generator[None]:
        """One line when the block is done: what, and how long."""
        began = time.monotonic()
        yield
        self._console.print(f"[green]✓[/] {zh} · {en}  [dim]{time.monotonic() - began:.1f} s[/]")

    @contextmanager
    def download(self) -> Generator[Callable[[str, int, int], None]]:
        """A bar per file; the block gets the callback (what, bytes done, bytes in all, 0 where not known)."""
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True) as bars:
            known: dict[str, TaskID] = {}

            def show(what: str, done: int, total: int) -> None:
                if what not in known:
                    known[what] = bars.add_task(what)
                bars.update(known[what], completed=done, total=total or None)

            yield show

    def notice(self, notice: Notice) -> None:
        """Something that happened while running."""
        self._say(f"[yellow]![/] {escape(notice.zh)}\n  {escape(notice.en)}")

    def ready(self, settings: Settings, seeded: SeedResult | None, seconds: float) -> None:
        """The links and sign-ins."""
        self._say(f"\n[bold green]对练已启动 · Duilian is running[/]  [dim]{seconds:.1f} s[/]")
        for tenant in seeded.tenants if seeded else ():
            self._say(f"\n[bold]{escape(tenant.name)}[/]")
            self._rows(tenant.rows)
        self._say("")
        self._rows(
            [
                ("网址 · address", settings.public_url),
                ("数据与日志 · data, logs", str(settings.data_dir)),
                (
                    "发出的邮件 · mail sent",
                    "duilian mail list" if keeps_mail(settings) else settings.mail_from,
                ),
            ]
        )
        self._say("\n按 Ctrl-C 停止，数据会保留。 · Ctrl-C stops everything; the data stay.\n")

    def _rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Labels in a column as wide as the widest; a link is never broken over two lines."""
        width = max((cell_len(label) for label, _ in rows), default=0)
        for label, value in rows:
            self._say(f"  [dim]{escape(label)}[/]{' ' * (width - cell_len(label))}  {escape(value)}")

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    def stopping(self) -> None:
        self._stopping_since = time.monotonic()
        self._say("\n正在停止… · stopping…")

    def stopped(self) -> None:
        """After Ctrl-C."""
        if not self._stopping_since:  # interrupted before anything was started
            return
        seconds = time.monotonic() - self._stopping_since
        self._say(
            f"已全部停止，数据已保留。 · Everything is stopped; the data are kept.  [dim]{seconds:.1f} s[/]"
        )
