"""What every KPI means: the catalogue as a table, for readers who see a figure and ask what it is."""

from collections.abc import Iterator

import pandas as pd

from assets.ads.catalogue import Catalogue
from assets.ads.intervals import METHODS
from pipeline.plan import Definitions
from pipeline.tables import TableSpec

KPI_DICTIONARY = TableSpec(
    name="meta.kpi_dictionary",
    description="One row per KPI and variant: what it is called, what it means, how it is computed and out of what.",
    grain=("kpi", "variant"),
    columns={
        "kpi": ("text", "KPI, as in the catalogue"),
        "variant": ("text", "Which of the KPI's definitions"),
        "is_official": ("boolean", "Whether the plan counts this variant"),
        "label_zh": ("text", "Name in Chinese"),
        "label_en": ("text", "Name in English"),
        "meaning_zh": ("text", "What it means, in Chinese"),
        "meaning_en": ("text", "What it means, in English"),
        "formula_zh": ("text", "Formula of the KPI in words, in Chinese"),
        "formula_en": ("text", "Formula of the KPI in words, in English"),
        "numerator": ("text", "What is divided, or counted, as measures of the catalogue"),
        "denominator": ("text", "What it is divided by; NULL for quantities"),
        "unit": ("text", "count, currency, rate, ratio, score, hours or days"),
        "better": ("text", "higher or lower"),
        "adds_up": ("text", "Whether members add up to the total: yes, quotient or distinct"),
        "interval_method_zh": ("text", "How the interval is computed, in Chinese"),
        "interval_method_en": ("text", "How the interval is computed, in English"),
        "dimensions": ("text", "Dimensions it can be had by, with a comma between them; NULL where only in total"),
        "fact_tables": ("text", "Tables it is measured on, with a comma between them"),
        "source_tables": ("text", "Source tables whose quality it inherits, with a comma between them"),
        "requirements": ("text", "Numbers of the requirements it answers, with a comma between them"),
    },
)


def kpi_dictionary(kpis: Catalogue, definitions: Definitions) -> pd.DataFrame:
    """The table `meta.kpi_dictionary`, in order of the KPIs' names."""
    rows = pd.DataFrame(list(_rows(kpis, definitions)))
    return rows.sort_values(list(KPI_DICTIONARY.grain), ignore_index=True)[list(KPI_DICTIONARY.columns)]


def _rows(kpis: Catalogue, definitions: Definitions) -> Iterator[dict[str, object]]:
    for name, kpi in kpis.kpis.items():
        for variant_name, variant in kpi.variants.items():
            label, meaning, formula = (
                getattr(variant, part) or getattr(kpi, part) for part in ("label", "meaning", "formula")
            )
            tables = {kpis.facts[kpis.fact_of[measure]].table for measure in variant.measures}
            yield {
                "kpi": name,
                "variant": variant_name,
                "is_official": kpis.official(name, definitions) == variant_name,
                "label_zh": label.zh,
                "label_en": label.en,
                "meaning_zh": meaning.zh,
                "meaning_en": meaning.en,
                "formula_zh": formula.zh,
                "formula_en": formula.en,
                "numerator": variant.numerator,
                "denominator": variant.denominator,
                "unit": kpi.unit,
                "better": kpi.better,
                "adds_up": kpis.adds_up(name, variant),
                "interval_method_zh": METHODS[kpi.interval][0],
                "interval_method_en": METHODS[kpi.interval][1],
                "dimensions": ", ".join(kpis.dimensions(name, variant)) or None,
                "fact_tables": ", ".join(sorted(tables)),
                "source_tables": ", ".join(kpis.contracts(variant)),
                "requirements": ", ".join(kpi.seeds) or None,
            }
