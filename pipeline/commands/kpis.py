"""The catalogue on the screen: every KPI, or all there is to know of one."""

import pandas as pd
from rich.console import Console

from assets.ads.catalogue import catalogue, nearest
from assets.ads.kpi_dictionary import kpi_dictionary
from pipeline.commands.screen import NOTHING, Lang, label, plain_table, told_grid
from pipeline.errors import ConfigurationError
from pipeline.plan import Definitions


def check_kpi(kpi: str) -> None:
    """Refuse a KPI the catalogue does not have.

    Raises:
        ConfigurationError: with the name that may have been meant.
    """
    if kpi not in catalogue().kpis:
        raise ConfigurationError(f"no KPI {kpi!r}; {nearest(kpi, catalogue().kpis)}")


def show_kpis(definitions: Definitions, lang: Lang, console: Console) -> None:
    """One line per KPI: its official variant, and how many others there are."""
    told = kpi_dictionary(catalogue(), definitions)
    table = plain_table("KPI", "name", "unit", "better", "formula", "variants", whole=("KPI",))
    for kpi, rows in told.groupby("kpi", sort=True):
        row = rows.loc[rows["is_official"]].iloc[0]
        formula = label(row["formula_zh"], row["formula_en"], lang)
        variants = ", ".join(
            row["variant"] + " *" if row["is_official"] else row["variant"] for _, row in rows.iterrows()
        )
        own = catalogue().kpis[str(kpi)].label
        table.add_row(str(kpi), label(own.zh, own.en, lang), row["unit"], row["better"], formula, variants)
    console.print(table)
    console.print(f"\n{told['kpi'].nunique()} KPIs in {len(told)} variants; * counts by the plan.")


def show_kpi(kpi: str, definitions: Definitions, lang: Lang, console: Console) -> None:
    """All the catalogue says of a KPI, variant by variant."""
    check_kpi(kpi)
    told = kpi_dictionary(catalogue(), definitions)
    for row in told.loc[told["kpi"] == kpi].to_dict("records"):
        official = " (official)" if row["is_official"] else ""
        console.print(f"{kpi}.{row['variant']}{official}", style="bold")
        console.print(told_grid(_said(row, lang)))
        console.print()


def _said(row: dict[str, object], lang: Lang) -> dict[str, str]:
    words = {
        name: label(str(row[f"{column}_zh"]), str(row[f"{column}_en"]), lang)
        for name, column in (
            ("name", "label"),
            ("meaning", "meaning"),
            ("formula", "formula"),
            ("interval", "interval_method"),
        )
    }
    plain = {
        "numerator": row["numerator"],
        "denominator": row["denominator"],
        "unit": row["unit"],
        "better": row["better"],
        "adds up": row["adds_up"],
        "dimensions": row["dimensions"],
        "facts": row["fact_tables"],
        "sources": row["source_tables"],
    }
    return words | {name: NOTHING if pd.isna(value) else str(value) for name, value in plain.items()}
