"""The catalogue on the screen: every KPI, or all there is to know of one."""

import pandas as pd
from rich.console import Console

from assets.ads.catalogue import catalogue, nearest
from assets.ads.kpi_dictionary import kpi_dictionary
from assets.chinese import chinese
from pipeline.commands.screen import NOTHING, Lang, in_one, label, listed, plain_table, told_grid
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
    heads = in_one("指标 名称 单位 优劣 公式 口径", "KPI name unit better formula variants", lang).split()
    table = plain_table(*heads, whole=tuple(heads[:1]))
    for kpi, rows in told.groupby("kpi", sort=True):
        row = rows.loc[rows["is_official"]].iloc[0]
        formula = label(row["formula_zh"], row["formula_en"], lang)
        variants = ", ".join(
            row["variant"] + " *" if row["is_official"] else row["variant"] for _, row in rows.iterrows()
        )
        own = catalogue().kpis[str(kpi)].label
        unit, better = (_word(name, row[name], lang) for name in ("unit", "better"))
        table.add_row(str(kpi), label(own.zh, own.en, lang), unit, better, formula, variants)
    console.print(table)
    kpis, variants = told["kpi"].nunique(), len(told)
    counted = in_one(
        f"{kpis} 个指标，{variants} 种口径；* 为方案采用的口径。",
        f"{kpis} KPIs in {variants} variants; * counts by the plan.",
        lang,
    )
    console.print(f"\n{counted}")


def show_kpi(kpi: str, definitions: Definitions, lang: Lang, console: Console) -> None:
    """All the catalogue says of a KPI, variant by variant."""
    check_kpi(kpi)
    told = kpi_dictionary(catalogue(), definitions)
    for row in told.loc[told["kpi"] == kpi].to_dict("records"):
        official = in_one("（正式口径）", " (official)", lang) if row["is_official"] else ""
        console.print(f"{kpi}.{row['variant']}{official}", style="bold")
        console.print(told_grid(_said(row, lang)))
        console.print()


def _said(row: dict[str, object], lang: Lang) -> dict[str, str]:
    words = {
        heads: label(str(row[f"{column}_zh"]), str(row[f"{column}_en"]), lang)
        for heads, column in (
            (("名称", "name"), "label"),
            (("含义", "meaning"), "meaning"),
            (("公式", "formula"), "formula"),
            (("区间", "interval"), "interval_method"),
        )
    }
    plain = {
        ("分子", "numerator"): row["numerator"],
        ("分母", "denominator"): row["denominator"],
        ("单位", "unit"): _word("unit", row["unit"], lang),
        ("优劣", "better"): _word("better", row["better"], lang),
        ("可加性", "adds up"): _word("adds_up", row["adds_up"], lang),
        ("维度", "dimensions"): _dimensions(row["dimensions"], lang),
        ("事实表", "facts"): row["fact_tables"],
        ("来源", "sources"): row["source_tables"],
    }
    told = words | {heads: NOTHING if pd.isna(value) else str(value) for heads, value in plain.items()}
    return {in_one(*heads, lang): said for heads, said in told.items()}


def _word(column: str, value: object, lang: Lang) -> str:
    """A coded value as Chinese readers are told it."""
    return in_one(chinese().words[column][str(value)], str(value), lang)


def _dimensions(names: object, lang: Lang) -> object:
    return (
        listed((_word("dimension", name, lang) for name in names.split(", ")), lang)
        if isinstance(names, str)
        else names
    )
