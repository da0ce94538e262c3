"""Targets that follow from other targets: a quotient whose parts have targets of their own (I52)."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from assets.ads.catalogue import Catalogue
from assets.ads.expressions import names
from pipeline.plan import Definitions


@dataclass(frozen=True)
class Implied:
    """What follows for a KPI, from which targets."""

    value: float
    parts: tuple[str, ...]
    """The KPIs it follows from, in order."""


def implied_target(
    kpi: str, targets: Mapping[str, float], catalogue: Catalogue, definitions: Definitions
) -> Implied | None:
    """The target of a KPI's official variant by the targets of the quantities it is made of; None where one has none.

    Args:
        kpi: A quotient of the catalogue; of a quantity nothing follows.
        targets: KPI -> its target.
    """
    variant = catalogue.kpis[kpi].variants[catalogue.official(kpi, definitions)]
    if variant.denominator is None:
        return None
    numerator, denominator = variant.parts["numerator"], variant.parts["denominator"]
    known = _measures(targets, catalogue, definitions)
    needed = dict.fromkeys(names(numerator) + names(denominator))
    if any(name not in known for name in needed):
        return None
    figures = {name: targets[known[name]] for name in needed}
    divisor = _evaluated(denominator, figures)
    return Implied(_evaluated(numerator, figures) / divisor, tuple(known[name] for name in needed)) if divisor else None


def _measures(targets: Mapping[str, float], catalogue: Catalogue, definitions: Definitions) -> dict[str, str]:
    """Measure -> the KPI that is nothing but it, of those that have a target."""
    found: dict[str, str] = {}
    for kpi in sorted(targets):
        variant = catalogue.kpis[kpi].variants[catalogue.official(kpi, definitions)]
        if variant.denominator is None and isinstance(variant.parts["numerator"], exp.Column):
            found.setdefault(variant.parts["numerator"].name, kpi)
    return found


def _evaluated(part: exp.Expr, figures: Mapping[str, float]) -> float:
    """The little arithmetic that `parse_arithmetic` lets in."""
    if isinstance(part, exp.Column):
        return figures[part.name]
    if isinstance(part, exp.Literal):
        return float(part.name)
    if isinstance(part, exp.Paren):
        return _evaluated(part.this, figures)
    if isinstance(part, exp.Neg):
        return -_evaluated(part.this, figures)
    left, right = _evaluated(part.left, figures), _evaluated(part.right, figures)
    return left + right if isinstance(part, exp.Add) else left - right if isinstance(part, exp.Sub) else left * right
