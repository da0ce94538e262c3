"""`tuoke explain` as a user calls it, on the demo company (U03): a figure, its parts, and every line behind it."""

import csv
import inspect
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import get_args

import pytest
from databases import query
from rich.console import Console
from typer.testing import CliRunner, Result

from assets.ads.catalogue import Dimension
from pipeline import cli
from pipeline.commands.explain import COLUMNS, Asked
from pipeline.commands.explain import explain as explain_figure
from pipeline.errors import ConfigurationError
from pipeline.plan import Window
from pipeline.project import Project

CAMPAIGN = "select value from ads.kpi_values_current where is_official and period = 'campaign'"


def explain(demo, *arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["explain", *map(str, (demo.root, *arguments))])


def refused(demo, *arguments: object) -> str:
    """What a user is told who asks for what is not there."""
    result = explain(demo, *arguments)
    assert result.exit_code == ConfigurationError.exit_code, result.output
    return " ".join(result.stderr.split())


def listed(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


def test_every_dimension_of_the_catalogue_can_be_asked_for():
    assert set(get_args(Dimension)) <= set(inspect.signature(cli.explain).parameters)


def test_the_lines_of_a_sum_add_up_to_the_published_figure(demo, tmp_path: Path):
    result = explain(demo, "revenue", "--csv", tmp_path / "rows.csv", "--lang", "en")
    assert result.exit_code == 0, result.output
    [(value,)] = query(demo.database, f"{CAMPAIGN} and kpi = 'revenue' and dimension = 'total'")
    rows = listed(tmp_path / "rows.csv")
    assert tuple(rows[0]) == COLUMNS
    assert sum(float(row["amount"]) for row in rows) == pytest.approx(value)
    assert all(row["source"] and int(float(row["line"])) > 1 for row in rows)
    assert f"{len(rows):,} rows written to" in " ".join(result.output.split())


@pytest.mark.parametrize("dimension", get_args(Dimension))
def test_the_lines_of_a_member_add_up_to_its_figure(demo, tmp_path: Path, dimension: str):
    """The member with the most revenue, of every dimension there is."""
    [(member, value)] = query(
        demo.database,
        "select member, value from ads.kpi_values_current where is_official and period = 'campaign' "
        f"and kpi = 'revenue' and dimension = '{dimension}' order by value desc nulls last, member limit 1",
    )
    option = f"--{dimension.replace('_', '-')}"
    result = explain(demo, "revenue", option, member, "--csv", tmp_path / "rows.csv")
    assert result.exit_code == 0, result.output
    assert f"{dimension} {member}" in result.output
    assert sum(float(row["amount"]) for row in listed(tmp_path / "rows.csv")) == pytest.approx(value)


def test_a_quotient_shows_its_parts_its_interval_and_how_far_to_trust_it(demo):
    result = explain(demo, "lead_conversion_rate", "--period", "2026-10", "--lang", "en")
    told = " ".join(result.output.split())
    assert result.exit_code == 0, result.output
    assert "lead_conversion_rate." in told and "2026-10" in told
    assert "leads_won_since (numerator)" in told and "leads (denominator)" in told
    assert "interval" in told and "state" in told


def test_i12_the_cost_of_a_channel_says_what_it_is_without_and_has_no_target(demo):
    [(left_out, target)] = query(
        demo.database,
        "select left_out_zh, target from ads.kpi_values_current where is_official and period = 'campaign' "
        "and kpi = 'cac' and dimension = 'channel' and member = 'search'",
    )
    told = "".join(explain(demo, "cac", "--channel", "search", "--lang", "zh").output.split())
    assert target is None and left_out.startswith("不含未注明渠道的成本")
    assert "".join(left_out.split()) in told


def explained_by(demo, kpi: str, **campaign: Window) -> str:
    """What is told of the campaign's figure once the plan has other windows than when the day was evaluated."""
    project = Project.read(demo.root)
    project = replace(project, plan=project.plan.model_copy(update=campaign))
    told = StringIO()
    explain_figure(project, None, Asked(kpi), None, "en", Console(file=told, width=200))
    return " ".join(told.getvalue().split())


def test_u01_a_figure_is_made_of_the_rows_of_its_own_period_whatever_the_plan_says_since(demo):
    campaign = Window(starts_on=date(2026, 9, 1), ends_on=date(2026, 9, 30))
    told = explained_by(demo, "cac", campaign=campaign)
    assert told == explained_by(demo, "cac")
    assert "not what was published" not in told


def test_u01_rows_that_do_not_make_what_was_published_are_not_passed_off_as_its_own(demo):
    """What a figure grew from is read by the plan of today."""
    shorter = Window(starts_on=date(2026, 8, 1), ends_on=date(2026, 8, 31))
    assert "not what was published" not in explained_by(demo, "revenue_growth_rate")
    told = explained_by(demo, "revenue_growth_rate", baseline=shorter)
    assert "which is not what was published: the plan or the program was changed after the day was evaluated" in told


def test_who_asks_for_two_dimensions_is_told_that_one_is_meant(demo):
    told = refused(demo, "revenue", "--sales-region", "华东", "--channel", "search")
    assert "one dimension at a time; --channel, --sales-region were given" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("revenu",), "revenue", id="kpi"),
        pytest.param(("revenue", "--variant", "gros"), "no variant 'gros'", id="variant"),
        pytest.param(("revenue", "--period", "1999-01"), "no period '1999-01'", id="period"),
        pytest.param(("revenue", "--channel", "pigeon"), "no member 'pigeon'", id="member"),
        pytest.param(("revenue", "--date", "2026-01-05"), "2026-01-05 was not evaluated; the latest", id="day"),
    ],
)
def test_what_is_not_there_is_named_with_what_there_is(demo, arguments: tuple[str, ...], told: str):
    assert told in refused(demo, *arguments)


def test_a_file_that_can_not_be_written_is_named(demo, tmp_path: Path):
    told = refused(demo, "revenue", "--csv", tmp_path / "nowhere" / "rows.csv")
    assert "can't be written: Cannot save file into a non-existent directory" in told
