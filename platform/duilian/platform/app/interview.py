"""`duilian interview run`: a candidate without a browser, through the public HTTP API."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from duilian.infra.errors import Problem
from duilian.infra.ids import new_id
from duilian.infra.settings import Settings, load
from duilian.platform.app.candidate_client import Candidate, Staff
from duilian.platform.app.seed import demo_file

TEXT = {".txt", ".md"}
POLL_SECONDS = 0.5
LONGEST_WAIT = 3600.0


class NoAnswers(Problem):
    code = "no-answers"
    zh = "{folder} 里没有回答文件（01.webm、02.wav、03.txt …）。"
    en = "There are no answer files in {folder} (01.webm, 02.wav, 03.txt …)."


class NoApiKey(Problem):
    code = "no-api-key"
    zh = "缺少 {tenant} 的 API 密钥：请设置 DUILIAN_API_KEY 或使用 --api-key。"
    en = "There is no API key for {tenant}: set DUILIAN_API_KEY or give --api-key."


class StillWaiting(Problem):
    code = "still-waiting"
    zh = "等待报告超时（{seconds:.0f} 秒）：面试 {interview} 状态为 {status}。"
    en = "The report did not come within {seconds:.0f} seconds: interview {interview} is {status}."


@click.group()
def interview() -> None:
    """Interviews."""


@interview.command("run")
@click.option("--tenant", required=True, help="The tenant's short name.")
@click.option("--set", "set_key", required=True, help="Key of a published question set.")
@click.option("--answers", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Where report.json and report.pdf go."
)
@click.option("--locale", type=click.Choice(["zh-CN", "en"]), help="Default: the tenant's.")
@click.option("--api-key", help="Default: DUILIAN_API_KEY, else the demo tenant's.")
@click.option("--url", help="Default: DUILIAN_PUBLIC_URL.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def run(
    tenant: str,
    set_key: str,
    answers: Path,
    out: Path | None,
    locale: str | None,
    api_key: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Play a folder of answers (01.webm, 02.wav, 03.txt …) as a candidate and wait for the report."""
    settings = load()
    key = api_key or settings.api_key or _demo_key(settings, tenant)
    console = Console(stderr=True, highlight=False)
    report, pdf = asyncio.run(play(url or settings.public_url, key, set_key, answers, locale, console))
    written = _write(out, report, pdf) if out else {}
    summary = {"interview": report["interview"], "total": report["total"], **written}
    click.echo(json.dumps(summary, ensure_ascii=False, indent=2) if as_json else _words(report, written))


def _demo_key(settings: Settings, tenant: str) -> str:
    path = demo_file(settings)
    kept = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if tenant not in kept:
        raise NoApiKey(tenant=tenant)
    return kept[tenant]["api_key"]


async def play(
    url: str, key: str, set_key: str, folder: Path, locale: str | None, console: Console
) -> tuple[dict[str, Any], bytes]:
    """The report and its PDF. Raises NoAnswers, StillWaiting, and what the API refuses."""
    files = answer_files(folder)
    async with Staff(url, key) as staff:
        invitation = await staff.invite(set_key, f"simulated-{new_id().hex}@candidate.example", locale)
        async with Candidate(url, invitation["tenant"], invitation["token"], locale) as candidate:
            await _answer_all(candidate, files, console)
        await _wait(staff, invitation["interview"], console)
        return await staff.report(invitation["interview"]), await staff.report_pdf(invitation["interview"])


def answer_files(folder: Path) -> list[Path]:
    """Files whose name begins with a digit, in order. Raises NoAnswers."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.name[:1].isdigit())
    if not files:
        raise NoAnswers(folder=folder)
    return files


async def _answer_all(candidate: Candidate, files: list[Path], console: Console) -> None:
    state = await candidate.begin()
    questions = state["questions"]
    for number, (question, file) in enumerate(zip(questions, files, strict=False), start=1):
        await candidate.open(question["key"])
        if file.suffix.lower() in TEXT:
            await candidate.write(question["key"], file.read_text("utf-8"))
        else:
            await candidate.record(question, file)
        console.print(f"  {number}/{len(questions)}  {question['key']}  {file.name}")
    await candidate.submit()


async def _wait(staff: Staff, interview_id: str, console: Console) -> None:
    waited = 0.0
    with console.status("waiting for the report") as status:
        while True:
            state = await staff.interview(interview_id)
            done = sum(a["state"] in ("processed", "failed", "skipped") for a in state["answers"])
            status.update(f"processing: {done} of {len(state['answers'])} answers")
            if state["status"] == "reported":
                return
            if waited >= LONGEST_WAIT:
                raise StillWaiting(seconds=waited, interview=interview_id, status=state["status"])
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS


def _write(out: Path, report: dict[str, Any], pdf: bytes) -> dict[str, str]:
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=2), "utf-8")
    (out / "report.pdf").write_bytes(pdf)
    return {"report_json": str(out / "report.json"), "report_pdf": str(out / "report.pdf")}


def _words(report: dict[str, Any], written: dict[str, str]) -> str:
    lines = [_line("total", report["total"])]
    lines += [_line(c["key"], c) for c in report["competencies"]]
    return "\n".join([*lines, *written.values()])


def _line(name: str, scored: dict[str, Any]) -> str:
    if scored["outcome"] != "scored":
        return f"{name}: {scored['outcome'].replace('_', ' ')}"
    level = f"  level {scored['level']}" if "level" in scored else ""
    flag = "  (provisional)" if scored["provisional"] else ""
    return f"{name}: {scored['score']} ± {scored['standard_error']}{level}{flag}"
