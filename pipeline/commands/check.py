"""A look at a project folder before it is evaluated: both files, every source, and what the figures will lack."""

import math
from collections.abc import Iterator
from datetime import date, timedelta
from difflib import get_close_matches

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from assets.ads.catalogue import catalogue
from assets.ads.kpi_values import variant_state
from assets.ads.plan_faults import plan_faults
from assets.day import ProjectDay
from assets.dwd.identity.faults import identity_faults, unknown_ids
from pipeline.commands.looks import ROWS, Looked, look_at
from pipeline.commands.screen import (
    BAD,
    GOOD,
    LOUD,
    NOTHING,
    POOR,
    note,
    place,
    plain_table,
    told_grid,
    tuoke_command,
)
from pipeline.errors import ConfigurationError, WarehouseError
from pipeline.plan import NO_TARGET, Model, Plan, Target, Window
from pipeline.project import PLAN_FILE, SOURCES_FILE, Project
from pipeline.warehouse import Warehouse
from pipeline.warehouse.postgres import explained
from quality.contract import Contract, contracts
from quality.scorecard import SourceState
from quality.treatment import cleaning_faults

NAMES_SHOWN = 20
NO_SOURCE = f"no table has a source yet; declare one in {SOURCES_FILE}"


def refuse_faults(project: Project) -> None:
    """Stop at what both files say that can't be done.

    Raises:
        ConfigurationError: every fault, a line each.
    """
    faults = list(project_faults(project))
    if not project.sources.systems:
        faults.append(NO_SOURCE)
    if faults:
        raise ConfigurationError("\n".join(faults))


def project_faults(project: Project) -> Iterator[str]:
    """What both files say that can't be done, seen without opening a source."""
    for table in project.sources.tables:
        if table not in contracts():
            yield f"{SOURCES_FILE}, tables.{table}: no such table; {_nearest(table)}"
    yield from (f"{PLAN_FILE}, {fault}" for fault in plan_faults(catalogue(), project.plan))
    yield from (f"{PLAN_FILE}, {fault}" for fault in identity_faults(project))
    yield from (f"{PLAN_FILE}, {fault}" for fault in cleaning_faults(project.plan))
    if project.settings.hash_key is None:
        yield f"TUOKE_HASH_KEY is not set in {project.root / '.env'} or the environment; any long random text will do"


def _nearest(table: str) -> str:
    close = get_close_matches(table, contracts(), n=1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(contracts())}"


def check(project: Project, as_of: date, console: Console) -> None:
    """Print what was found.

    Raises:
        ConfigurationError: something must be mended before the day can be evaluated.
    """
    looks = list(look_at(ProjectDay(project, as_of)))
    problems = [*project_faults(project), *(look.complaint for look in looks if look.complaint)]
    problems += _server_problems(project)
    console.print(sources_table(looks, as_of))
    console.print()
    console.print(_plan_lines(project))
    if (outlook := _outlook(project.plan, looks)) is not None:
        console.print(outlook)
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems)
        raise ConfigurationError(f"\n{len(problems)} to mend in {place(project.root)}:\n{listed}")
    if looks and outlook is None:
        console.print(Text("\nEvery KPI can be computed.", style=GOOD))
    strangers = unknown_ids(project)
    if strangers:
        console.print(note(f"ids of must_link and cannot_link that no customer was sent under: {', '.join(strangers)}"))
    if looks:
        console.print(f"\nReady: {tuoke_command()} run {place(project.root)} --date {as_of}", style=GOOD)
    else:
        console.print(f"\nValid, but {NO_SOURCE}", style=POOR)


def _server_problems(project: Project) -> list[str]:
    """Why the user's own server can't be reached, if it is to be used and can't."""
    if project.settings.database_url is None:
        return []
    try:
        with explained("TUOKE_DATABASE_URL"), Warehouse.of(project) as warehouse, warehouse.engine().connect():
            return []
    except (ConfigurationError, WarehouseError) as error:
        return [str(error)]


def sources_table(looks: list[Looked], as_of: date) -> RenderableType:
    """What each source delivers, a line a feed, and under it what a line has no room for."""
    table = plain_table(
        "source", "table", "from", "filled", "readable", "due",
        title=f"Sources on {as_of}",
        right=("filled", "readable", "due"),
    )  # fmt: skip
    looks = sorted(looks, key=lambda look: look.feed.source)
    for look in looks:
        table.add_row(look.feed.source, _named(look.contract), *_found(look))
    fed = {look.contract.table for look in looks}
    missing = [_named(contract) for contract in contracts().values() if contract.table not in fed]
    explained_ = (
        f"filled: columns with a source, of those the table has; readable: values of the first {ROWS} rows that are a "
        "number, day, moment or yes/no as their column asks; due: delivered by then on the next day, and the days an "
        "entry may take"
    )
    notes = [_notes(look) for look in looks if look.probe is not None]
    shown = [Text("Columns", style=LOUD), *filter(None, notes)] if any(notes) else []
    return Group(table, note(explained_), note(f"absent: {', '.join(missing) or 'none'}"), *shown)


def _named(contract: Contract) -> str:
    return f"{contract.table} {contract.label.zh}"


def _found(look: Looked) -> tuple[str | Text, ...]:
    """What one feed brings, in the words of the table's header."""
    where = look.feed.file or f"query on {look.feed.database}"
    lag = f" {look.contract.latency_days} d" if look.contract.latency_days is not None else ""
    expected = f"{look.contract.available_by}{lag}"
    if look.probe is None:
        return where, Text("can't be read", style=BAD), NOTHING, expected
    columns = len(look.contract.columns)
    sent, read = (sum(counts[place] for counts in look.readable.values()) for place in (0, 1))
    return (
        _inputs(look.probe.inputs) or where,
        f"{columns - len(look.probe.unmapped)} of {columns}",
        Text(f"{read} of {sent}", style=GOOD if read == sent else POOR) if look.readable else NOTHING,
        expected,
    )


def _inputs(names: list[str]) -> str:
    """The first file, and how many more."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more" if names else ""


def _notes(look: Looked) -> RenderableType | None:
    """What is worth knowing of a feed's columns: what is missing first."""
    assert look.probe is not None
    seen, required = look.probe, look.contract.required
    change = look.drift
    unread = [f"{name} {read} of {sent}" for name, (sent, read) in look.readable.items() if read < sent]
    typed = [f"{name} {read}/{sent}" for name, (sent, read) in look.readable.items()]
    personal = [name for name in look.personal if name not in seen.unmapped]
    lines = {
        "missing": [f"{name} !" for name in seen.missing],
        "not filled": [f"{name} !" if name in required else name for name in seen.unmapped],
        "can't be read": unread,
        "first rows": typed,
        f"new since {change.since}": list(change.added),
        f"gone since {change.since}": list(change.removed),
        "not used": _some(seen.columns_unused),
        "personal": personal,
        "unreadable rows": [f"{seen.rows_unreadable} of {seen.rows_read + seen.rows_unreadable}"]
        if seen.rows_unreadable
        else [],
    }
    told = {name: ", ".join(words) for name, words in lines.items() if words}
    heading = Text(f"{look.feed.source} · {_named(look.contract)}")
    return Group(heading, Padding(told_grid(told), (0, 0, 0, 2))) if told else None


def _some(names: list[str]) -> list[str]:
    """The first of them, and how many more there are: an export may have hundreds of columns."""
    rest = len(names) - NAMES_SHOWN
    return [*names[:NAMES_SHOWN], f"… {rest} more"] if rest > 0 else names


def _plan_lines(project: Project) -> RenderableType:
    plan = project.plan
    numbers = [_aim(kpi, target) for kpi, target in plan.targets.items() if isinstance(target, Target)]
    open_ends = [kpi for kpi, target in plan.targets.items() if target == NO_TARGET]
    lines = {
        "campaign": f"{plan.campaign.name.zh} {plan.campaign.name.en}, {_days(plan.campaign)}",
        "baseline": _days(plan.baseline),
        "targets": ", ".join(numbers) or "none",
        NO_TARGET: ", ".join(open_ends) or "none",
        "weights": "; ".join(_weights(name, model, plan) for name, model in plan.models.items()) or "no model declared",
        "counted in": f"{plan.currency}, days of {plan.timezone}",
        # a file that was cut off within a comment is valid: what it does not say is the default
        "at its default": ", ".join(_left_out(plan)) or "nothing",
        "plan hash": plan.plan_hash,
    }
    return Group(Text("Plan", style=LOUD), told_grid(lines))


def _aim(kpi: str, target: Target) -> str:
    """A target, and whose parts of it the plan names; together they may be more or less than the whole."""
    told = f"{kpi} {target.value:,.10g}"
    for dimension, members in target.by.items():
        together = sum(members.values())
        is_other = kpi in catalogue().additive and not math.isclose(together, target.value)
        told += f" by {dimension}" + (f" ({together:,.10g} together)" if is_other else "")
    return told


def _left_out(plan: Plan) -> list[str]:
    """The sections the plan's file leaves out, and how many KPIs it names no target of."""
    sections = [name for name in Plan.model_fields if name not in plan.model_fields_set]
    untold = len(set(catalogue().kpis) - set(plan.targets))
    return [*sections, f"the target of {untold} KPIs (none)"] if untold else sections


def _days(window: Window) -> str:
    return f"{window.starts_on} to {window.ends_on} ({(window.end - window.starts_on) // timedelta(days=1)} days)"


def _weights(name: str, model: Model, plan: Plan) -> str:
    total = sum(model.weights.values())
    official = ", official" if name == plan.official_model else ""
    return f"{name} {total:.0%} ({model.policy}{official})"


def _outlook(plan: Plan, looks: list[Looked]) -> RenderableType | None:
    """The KPIs that will be withheld, by what is missing for them; None where none will be."""
    known, (states, unmapped) = catalogue(), _expected(looks)
    reasons: dict[str, list[str]] = {}
    for name, kpi in known.kpis.items():
        variant = kpi.variants[known.official(name, plan.definitions)]
        state = variant_state(known, variant, states, unmapped, plan.definitions)
        if state.state == "withheld":
            reasons.setdefault(state.reason or "", []).append(name)
    if not reasons:
        return None
    told = {reason: ", ".join(names) for reason, names in reasons.items()}
    return Group(Text("\nKPIs that will be withheld", style=LOUD), told_grid(told))


def _expected(looks: list[Looked]) -> tuple[dict[str, SourceState], frozenset[str]]:
    """How far each table could be trusted were its rows faultless, and the columns `table.column` nothing fills."""
    filled: dict[str, set[str]] = {}
    for look in looks:
        if look.probe is not None:
            found = {column.name for column in look.contract.columns} - set(look.probe.unmapped)
            filled[look.contract.table] = filled.get(look.contract.table, set()) | found
    unread = {look.contract.table for look in looks if look.probe is None}
    states = {table: SourceState("withheld", "no source") for table in contracts()}
    states |= dict.fromkeys(filled, SourceState("final"))
    states |= dict.fromkeys(unread, SourceState("withheld", "can't be read"))
    unmapped = (
        f"{table}.{column.name}"
        for table, columns in filled.items()
        for column in contracts()[table].columns
        if column.name not in columns
    )
    return states, frozenset(unmapped)
