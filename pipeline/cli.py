"""tuoke: what a user asks for. What a command needs is imported when it is asked for."""

import gc
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer.core import TyperGroup

from pipeline.errors import ConfigurationError, TuokeError

if TYPE_CHECKING:
    from pipeline.project import Project

DEMO_DAY = date(2026, 11, 20)
INTERRUPTED = 130
OBJECTS = 50_000
"""New objects between two searches for garbage. Libraries are read and kept: to look through them every 700 objects, as
Python does of its own accord, was a tenth of the time of a day."""


class Commands(TyperGroup):
    """Ends a command that failed for a reason its user can mend with that reason, and with its exit code."""

    def invoke(self, ctx: typer.Context) -> object:
        from pipeline.commands.screen import complain

        gc.set_threshold(OBJECTS)
        try:
            return super().invoke(ctx)
        except TuokeError as error:
            complain(str(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            complain("Stopped. Readers keep what they had; run the day again when you like.")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Is the acquisition campaign working, for whom, at what cost, and how sure are we?",
    epilog="Exit codes: 0 fine, 1 failed, 2 configuration, 3 the quality gate is closed.",
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The project folder.")]
Day = Annotated[date, typer.Option("--date", metavar="YYYY-MM-DD", help="The day to evaluate.")]
OptionalDay = Annotated[
    date | None,
    typer.Option(
        "--date", metavar="YYYY-MM-DD", help="The day whose deliveries are looked for; yesterday unless said."
    ),
]
Lang = Annotated[
    Literal["zh", "en", "both"],
    typer.Option(help="Language of what is printed; both: English, with names in Chinese too."),
]
Port = Annotated[int | None, typer.Option(min=1024, max=65535, help="A port of this machine; a free one unless said.")]


@app.command()
def demo(
    scale: Annotated[Literal["S", "M"], typer.Option(help="S: 2,000 customers. M: 100,000, a million orders.")] = "S",
    folder: Annotated[Path, typer.Option(help="Where the demo company is written.")] = Path("demo"),
    day: Day = DEMO_DAY,
    fresh: Annotated[bool, typer.Option("--fresh", help="Write the company anew over the one that is there.")] = False,
    lang: Lang = "both",
) -> None:
    """Write a company with known flaws, evaluate a day of it, and show the answer."""
    from pipeline.commands.screen import in_one, screen
    from pipeline.demo import SCALES, TRUTH_FILE, write_company

    if folder.exists() and not (folder / TRUTH_FILE).is_file():
        raise ConfigurationError(f"{folder} is no demo company: {TRUTH_FILE} is missing; remove it, or choose --folder")
    if fresh:
        # the server and the run history stay: both know how to replace a day
        for part in ("landing", "lake", "reports"):
            shutil.rmtree(folder / part, ignore_errors=True)
    if fresh or not folder.exists():
        writing = f"Writing the demo company into {folder} ..."
        screen().print(in_one(f"正在生成演示公司：{folder} ……", writing, lang))
        truth = write_company(folder, scale=SCALES[scale], as_of=day)
        sent, flawed = sum(table.delivered for table in truth.rows.values()), len(truth.defects)
        written = f"{sent:,} rows of {len(truth.rows)} tables, {flawed:,} of them flawed on purpose."
        screen().print(
            in_one(f"{len(truth.rows)} 张表共 {sent:,} 行，其中 {flawed:,} 行是特意做错的。", written, lang) + "\n"
        )
    _run(folder, day, [], lang)
    _show_way_on(folder, lang)


@app.command()
def init(folder: Folder) -> None:
    """Write a new project folder with a commented sources.yaml and plan.yaml."""
    from pipeline.commands.folder import write_folder
    from pipeline.commands.screen import screen, tuoke_command

    write_folder(folder, date.today())
    screen().print(
        f"{folder} is ready. Declare your tables in sources.yaml and your targets in plan.yaml, then look at it with\n"
        f"  {tuoke_command()} check {folder}"
    )


@app.command()
def check(folder: Folder, day: OptionalDay = None) -> None:
    """Validate both files, look at every source, and say what is missing. Writes nothing."""
    from pipeline.commands import check as checking
    from pipeline.commands.screen import screen

    project = _project(folder)
    yesterday = datetime.now(project.plan.zone).date() - timedelta(days=1)
    checking.check(project, day or yesterday, screen())


@app.command()
def run(
    folder: Folder,
    day: Day,
    accept_drop: Annotated[
        list[str] | None, typer.Option(metavar="TABLE", help="Accept far fewer rows of this table than usual.")
    ] = None,
    replace_closing: Annotated[
        bool, typer.Option("--replace-closing", help="Replace the closing snapshot; what changes is journalled.")
    ] = False,
    lang: Lang = "both",
) -> None:
    """Evaluate one day and publish it."""
    _run(folder, day, accept_drop or [], lang, replace_closing)


@app.command()
def ui(folder: Folder, port: Port = None) -> None:
    """Open Dagster on this machine: lineage, checks, runs, the schedule."""
    from pipeline.commands.serve import serve_ui

    serve_ui(_project(folder), port)


@app.command()
def db(folder: Folder, port: Port = None) -> None:
    """Keep the project's PostgreSQL open to BI tools on this machine, and print its URL."""
    from pipeline.commands.serve import serve_database

    serve_database(_project(folder), port)


quarantine = typer.Typer(no_args_is_help=True, help="Rows that were kept back: look at them, mend them, let them in.")
app.add_typer(quarantine, name="quarantine")

EvaluatedDay = Annotated[
    date | None, typer.Option("--date", metavar="YYYY-MM-DD", help="The day evaluated; the latest unless said.")
]
RuleOption = Annotated[str | None, typer.Option("--rule", help="Only rows that break this rule.")]
Delivered = Annotated[
    date | None, typer.Option("--delivered", metavar="YYYY-MM-DD", help="Only rows delivered on this day.")
]
Handout = Annotated[Path, typer.Argument(metavar="FILE", help="The .xlsx or .csv file that `export` wrote.")]


@quarantine.command("list")
def list_quarantine(
    folder: Folder,
    table: Annotated[str | None, typer.Option(help="Only rows of this table.")] = None,
    rule: RuleOption = None,
    delivered: Delivered = None,
    day: EvaluatedDay = None,
    lang: Lang = "both",
) -> None:
    """Show how many rows wait, for whom and why; never what they hold."""
    from pipeline.commands import quarantine as kept
    from pipeline.commands.screen import screen

    shown = kept.quarantine_day(_project(folder), day)
    kept.list_rows(shown, kept.Wanted(table, rule, delivered), lang, screen())


@quarantine.command("export")
def export_quarantine(
    folder: Folder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: a name that ends in .xlsx or .csv.")],
    table: Annotated[str, typer.Option(help="The table whose rows are wanted.")],
    rule: RuleOption = None,
    delivered: Delivered = None,
    day: EvaluatedDay = None,
    lang: Lang = "both",
) -> None:
    """Write the waiting rows of a table to a file for their owner. The file holds personal data."""
    from pipeline.commands import quarantine as kept
    from pipeline.commands.screen import screen

    shown = kept.quarantine_day(_project(folder), day)
    kept.export_rows(shown, file, kept.Wanted(table, rule, delivered), lang, screen())


@quarantine.command("replay")
def replay_quarantine(folder: Folder, file: Handout, day: EvaluatedDay = None, lang: Lang = "both") -> None:
    """Take mended rows back, and evaluate the day again with them."""
    from pipeline.corrections import REPAIRED

    _take_back(folder, file, day, lang, REPAIRED)


@quarantine.command("dismiss")
def dismiss_quarantine(folder: Folder, file: Handout, day: EvaluatedDay = None, lang: Lang = "both") -> None:
    """Keep the rows of a file out for good, and evaluate the day again."""
    from pipeline.corrections import DISMISSED

    _take_back(folder, file, day, lang, DISMISSED)


def _take_back(folder: Path, file: Path, day: date | None, lang: Lang, verdict: str) -> None:
    from pipeline.commands import quarantine as kept
    from pipeline.commands.screen import in_one, screen

    shown = kept.quarantine_day(_project(folder), day)
    taken = kept.keep_verdicts(shown, file, verdict)
    if taken.is_known:
        known = f"{file} was taken back before: nothing is corrected twice."
        screen().print(in_one(f"{file} 已经导回过，不会重复更正。", known, lang))
    _run(folder, shown.as_of, [], lang)
    screen().print()
    kept.show_replayed(shown, taken, lang, screen())


alerts = typer.Typer(no_args_is_help=True, help="Limits that are breached: who takes care of them, and by when.")
app.add_typer(alerts, name="alerts")

AlertId = Annotated[int, typer.Argument(metavar="ID", help="The number `list` shows.")]
Words = Annotated[str | None, typer.Option("--note", help="What there is to say about it.")]


@alerts.command("list")
def list_alerts(
    folder: Folder,
    everything: Annotated[bool, typer.Option("--all", help="Show those that are over, too.")] = False,
    lang: Lang = "both",
) -> None:
    """Show the alerts that are not over, the gravest first."""
    from pipeline.commands import alerts as alerting
    from pipeline.commands.screen import screen

    alerting.list_alerts(_project(folder), everything, lang, screen())


@alerts.command("acknowledge")
def acknowledge_alert(
    folder: Folder,
    alert_id: AlertId,
    by: Annotated[str, typer.Option(help="Who takes it on: a staff id or a team, which all readers see.")],
    words: Words = None,
    lang: Lang = "both",
) -> None:
    """Take an alert on. It stays until it is over; should it become graver, it is open again."""
    from pipeline.commands import alerts as alerting
    from pipeline.commands.screen import screen

    alerting.change_alert(_project(folder), alert_id, "acknowledged", lang, screen(), done_by=by, words=words)


@alerts.command("pause")
def pause_alert(
    folder: Folder,
    alert_id: AlertId,
    until: Annotated[date, typer.Option(metavar="YYYY-MM-DD", help="The first day on which it is no longer silent.")],
    words: Words = None,
    lang: Lang = "both",
) -> None:
    """Silence an alert until a day; it is still watched."""
    from pipeline.commands import alerts as alerting
    from pipeline.commands.screen import screen

    alerting.change_alert(_project(folder), alert_id, "paused", lang, screen(), until=until, words=words)


@alerts.command("reset")
def reset_alert(folder: Folder, alert_id: AlertId, words: Words = None, lang: Lang = "both") -> None:
    """Close an alert by hand. If it is still breached on the next evaluation, it is raised anew."""
    from pipeline.commands import alerts as alerting
    from pipeline.commands.screen import screen

    alerting.change_alert(_project(folder), alert_id, "reset", lang, screen(), words=words)


restatements = typer.Typer(no_args_is_help=True, help="Published figures that came out differently later.")
app.add_typer(restatements, name="restatements")


@restatements.command("list")
def list_restatements(
    folder: Folder,
    everything: Annotated[bool, typer.Option("--all", help="Show those that are signed, too.")] = False,
    lang: Lang = "both",
) -> None:
    """Show what was restated and nobody has signed, the latest publication first."""
    from pipeline.commands import restatements as restating
    from pipeline.commands.screen import screen

    restating.list_restatements(_project(folder), everything, lang, screen())


@restatements.command("sign")
def sign_restatements(
    folder: Folder,
    by: Annotated[str, typer.Option(help="Who signs: a staff id or a team, which all readers see.")],
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="The numbers `list` shows.")] = None,
    day: Annotated[
        date | None, typer.Option(metavar="YYYY-MM-DD", help="All that the publications of this day restated.")
    ] = None,
    words: Words = None,
    lang: Lang = "both",
) -> None:
    """Sign restatements as noted. A signature can't be changed afterwards."""
    from pipeline.commands import restatements as restating
    from pipeline.commands.screen import screen

    if not ids and day is None:
        raise ConfigurationError("nothing to sign: name the numbers `list` shows, or a day with --day")
    restating.sign_restatements(_project(folder), ids or [], day, lang, screen(), signed_by=by, words=words)


@app.command("kpis")
def list_kpis(
    folder: Folder,
    kpi: Annotated[str | None, typer.Argument(metavar="[KPI]", help="A KPI to show in full.")] = None,
    lang: Lang = "both",
) -> None:
    """List the catalogue: every KPI, its formula, its variants and the one that counts by the plan."""
    from pipeline.commands import kpis
    from pipeline.commands.screen import screen

    definitions = _project(folder).plan.definitions
    if kpi is None:
        kpis.show_kpis(definitions, lang, screen())
    else:
        kpis.show_kpi(kpi, definitions, lang, screen())


def _member(what: str) -> object:
    return typer.Option(metavar="MEMBER", help=f"Of this {what} alone.")


@app.command()
def explain(
    folder: Folder,
    kpi: Annotated[str, typer.Argument(metavar="KPI", help="The KPI, as `tuoke kpis` lists it.")],
    day: EvaluatedDay = None,
    channel: Annotated[str | None, _member("channel, by its id")] = None,
    team: Annotated[str | None, _member("team")] = None,
    staff: Annotated[str | None, _member("person, by staff id")] = None,
    region: Annotated[str | None, _member("customers' region")] = None,
    sales_region: Annotated[str | None, _member("sales region")] = None,
    product: Annotated[str | None, _member("product")] = None,
    activity: Annotated[str | None, _member("campaign activity, by its id")] = None,
    period: Annotated[
        str, typer.Option(help="campaign, baseline, or as 2026-11-20, 2026-W47, 2026-11, 2026-Q4.")
    ] = "campaign",
    variant: Annotated[str | None, typer.Option(help="A variant other than the official one.")] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every row behind the figure to this file.")
    ] = None,
    lang: Lang = "both",
) -> None:
    """Take a published figure apart: formula, parts, how far to trust it, and the lines of the files behind it."""
    from pipeline.commands import explain as explaining
    from pipeline.commands.screen import screen

    members = {"channel": channel, "team": team, "staff": staff, "region": region}
    members |= {"sales_region": sales_region, "product": product, "activity": activity}
    asked = {dimension: member for dimension, member in members.items() if member is not None}
    if len(asked) > 1:
        raise ConfigurationError(f"one dimension at a time; {', '.join(map(_option, asked))} were given")
    dimension, member = next(iter(asked.items()), ("total", "(all)"))
    wanted = explaining.Asked(kpi, variant, period, dimension, member)
    explaining.explain(_project(folder), day, wanted, csv, lang, screen())


@app.command()
def erase(
    folder: Folder,
    customer_id: Annotated[str, typer.Argument(metavar="CUSTOMER_ID", help="Any id the customer was sent under.")],
    reason: Annotated[str, typer.Option(help="Reference of the request; nothing that tells who asked.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a customer's personal data on every day, and keep sources from bringing it back."""
    from pipeline.commands import erase as erasing
    from pipeline.commands.screen import screen

    project, console = _project(folder), screen()
    eraser, places = erasing.find(project, customer_id, console)
    if not yes and not typer.confirm("Erase it? It can't be brought back"):
        console.print("Nothing was erased.")
        raise typer.Exit(1)
    erasing.erase(eraser, places, datetime.now(project.plan.zone).date(), reason, console)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _project(folder: Path) -> "Project":
    from pipeline.project import Project

    return Project.read(folder)


def _run(folder: Path, day: date, accept_drop: list[str], lang: Lang, replace_closing: bool = False) -> None:
    from pipeline.commands.screen import in_one, screen

    # what follows takes seconds to import
    screen().print(in_one(f"正在评估 {folder}，评估日期 {day}", f"Evaluating {folder} on {day}", lang))
    from pipeline.commands.answer import show_answer
    from pipeline.commands.check import refuse_faults
    from pipeline.commands.evaluate import check_closing, check_day, check_tables, evaluate

    project = _project(folder)
    check_day(project.plan, day, datetime.now(project.plan.zone))
    check_tables(accept_drop)
    refuse_faults(project)
    if not replace_closing:
        check_closing(project, day)
    evaluate(project, day, accept_drop, replaces_closing=replace_closing, lang=lang)
    show_answer(project, day, lang, screen())


def _show_way_on(folder: Path, lang: Lang) -> None:
    from pipeline.commands.screen import in_one, screen, tuoke_command

    called = tuoke_command()
    head = in_one("继续查看", "Look further", lang)
    db = in_one(
        "供 psql 和 BI 工具读取的 PostgreSQL：显示连接地址，按 Ctrl-C 结束",
        "PostgreSQL for psql and BI tools: prints the URL, stays until Ctrl-C",
        lang,
    )
    ui = in_one("Dagster：每张表的血缘、检查和字段", "Dagster: lineage, checks and columns of every table", lang)
    screen().print(f"\n{head}\n  {called} db {folder}    {db}\n  {called} ui {folder}    {ui}")
