"""What `duilian up` shows: each step with its time, the links, and how it ended, in Chinese and English."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

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
        self._console.print(f"[yellow]![/] {notice.zh}\n  {notice.en}")

    def ready(self, settings: Settings, seeded: SeedResult | None, seconds: float) -> None:
        """The links and sign-ins."""
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for tenant in seeded.tenants if seeded else ():
            table.add_row(f"[bold not dim]{tenant.name}[/]", tenant.slug)
            for label, value in tenant.rows:
                table.add_row(label, value)
        table.add_row("网址 · address", settings.public_url)
        table.add_row("数据与日志 · data and logs", str(settings.data_dir))
        self._console.print(f"\n[bold green]对练已启动 · Duilian is running[/]  [dim]{seconds:.1f} s[/]\n")
        self._console.print(table)
        self._console.print("\n按 Ctrl-C 停止，数据会保留。 · Ctrl-C stops everything; the data stay.\n")

    def stopping(self) -> None:
        self._stopping_since = time.monotonic()
        self._console.print("\n正在停止… · stopping…")

    def stopped(self) -> None:
        seconds = time.monotonic() - self._stopping_since
        self._console.print(
            f"已全部停止，数据已保留。 · Everything is stopped; the data are kept.  [dim]{seconds:.1f} s[/]"
        )
