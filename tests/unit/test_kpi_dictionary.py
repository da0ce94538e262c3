"""The catalogue as a table and on the screen."""

import io
import re

import pytest

from assets.ads.catalogue import catalogue
from assets.ads.kpi_dictionary import KPI_DICTIONARY, kpi_dictionary
from pipeline.commands.kpis import show_kpi, show_kpis
from pipeline.commands.screen import screen
from pipeline.errors import ConfigurationError
from pipeline.plan import Definitions


def test_the_dictionary_has_each_variant_once_and_one_official_one_per_kpi():
    rows = kpi_dictionary(catalogue(), Definitions())
    assert list(rows.columns) == list(KPI_DICTIONARY.columns)
    assert not rows.duplicated(list(KPI_DICTIONARY.grain)).any()
    assert (rows.groupby("kpi")["is_official"].sum() == 1).all()
    assert rows.drop(columns=["denominator", "dimensions"]).notna().all().all()


def test_the_plan_says_which_variant_is_official():
    rows = kpi_dictionary(catalogue(), Definitions(official={"cac": "effective"}))
    assert rows.loc[rows["is_official"] & (rows["kpi"] == "cac"), "variant"].tolist() == ["effective"]


NUMBERS = (64, 66, 71, 73, 75, 80, 81, 85, 88, 90, 93, 96, 97, 100, 102, 115, 116, 117, 119, 122, 150, 151, 154, 157)
FEATURES = [f"F{number:03}" for number in NUMBERS]
DEFINITIONS = [f"I{number}" for number in (12, 13, 14, 15, 16, 18, 19, 20, 21, 24, 26, 60)]


@pytest.mark.parametrize("seed", [*FEATURES, *DEFINITIONS])
def test_what_the_documents_ask_for_is_in_the_catalogue(seed):
    assert any(seed in kpi.seeds for kpi in catalogue().kpis.values())


def shown(show, *arguments) -> str:
    text = io.StringIO()
    console = screen(text)
    console.width = 220
    show(*arguments, "both", console)
    return text.getvalue()


def test_the_list_names_every_kpi_with_its_variants():
    text = shown(show_kpis, Definitions())
    assert all(name in text for name in catalogue().kpis)
    assert "客户获取成本" in text


def test_a_kpi_is_told_with_the_parts_of_each_variant():
    text = shown(show_kpi, "cac", Definitions())
    assert "cac.paying.full (official)" in text
    assert "won_valid_leads" in text
    assert "I12" not in text


COSTS = {
    "full_cost": ("总成本", "full cost"),
    "marketing_cost": ("营销成本", "marketing cost"),
    "budget": ("预算", "budget"),
}
"""What a quotient's formula calls each of the amounts that were put in."""
LABOUR = (r"(?<!不)含人力", r"labour(?: is)? included")
NO_LABOUR = ("不含人力", r"without labour|labour is left out")
PARTS = [(name, variant_name) for name, kpi in catalogue().kpis.items() for variant_name in kpi.variants]


@pytest.mark.parametrize(("kpi", "variant"), PARTS)
def test_what_is_said_of_a_variant_is_true_of_it(kpi, variant):
    """Whose cost includes no labour says so, and who divides a budget does not speak of what was spent."""
    row = told(kpi, variant)
    if isinstance(row["denominator"], str):
        measures = catalogue().kpis[kpi].variants[variant].measures
        for measure, words in COSTS.items():
            for lang, word in zip(("zh", "en"), words, strict=True):
                assert (measure in measures) == (word in row[f"formula_{lang}"]), (measure, lang)
        for lang, included, left_out in zip(("zh", "en"), LABOUR, NO_LABOUR, strict=True):
            said = row[f"meaning_{lang}"]
            assert not re.search(included, said) or "full_cost" in measures
            assert bool(re.search(left_out, said)) == ("marketing_cost" in measures)


@pytest.mark.parametrize("kpi", [name for name, kpi in catalogue().kpis.items() if len(kpi.variants) > 1])
def test_no_two_variants_of_a_kpi_are_told_alike(kpi):
    rows = kpi_dictionary(catalogue(), Definitions())
    rows = rows.loc[rows["kpi"] == kpi]
    for column in ("label_zh", "label_en", "meaning_zh", "meaning_en"):
        assert rows[column].is_unique, column


def told(kpi, variant):
    rows = kpi_dictionary(catalogue(), Definitions())
    return rows.loc[(rows["kpi"] == kpi) & (rows["variant"] == variant)].iloc[0]


def test_a_kpi_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean cac"):
        shown(show_kpi, "cacc", Definitions())
