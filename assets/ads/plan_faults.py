"""What a plan says about KPIs, held against the catalogue before anything is computed."""

from collections.abc import Iterable, Iterator

from assets.ads.actions import insight_faults
from assets.ads.catalogue import Better, Catalogue, nearest
from pipeline.plan import AssertedFigure, CaseReports, Plan, Target


def plan_faults(catalogue: Catalogue, plan: Plan) -> list[str]:
    """What a plan says about KPIs that can't be done, one line each, with the remedy."""
    return [
        *_unknown_kpis(catalogue, plan),
        *_wrong_variants(catalogue, plan),
        *_alert_faults(catalogue, plan),
        *_claim_faults(catalogue, plan),
        *insight_faults(plan),
        *_case_faults(catalogue, plan),
        *_incentive_faults(catalogue, plan),
        *(fault for kpi in plan.targets if kpi in catalogue.kpis for fault in _target_faults(catalogue, plan, kpi)),
    ]


def _unknown_kpis(catalogue: Catalogue, plan: Plan) -> Iterator[str]:
    places = [(f"targets.{kpi}", kpi) for kpi in plan.targets]
    places += [(f"definitions.official.{kpi}", kpi) for kpi in plan.definitions.official]
    places += [(f"risks.{risk.id}.indicator.kpi", risk.indicator.kpi) for risk in plan.risks.items if risk.indicator]
    places += [(f"alerts.{rule.id}.kpi", rule.kpi) for rule in plan.alerts.rules if rule.kpi]
    places += [(f"claims.{claim.id}.cause.kpi", claim.cause.kpi) for claim in plan.claims.items if claim.cause]
    for claim, figure in _claimed(plan):
        places += [(f"claims.{claim}.kpi", figure.kpi)] if figure.kpi else []
        places += [(f"claims.{claim}.judged_by", figure.judged_by)]
    for name, model in plan.models.items():
        places += [(f"models.{name}.weights.{kpi}", kpi) for kpi in model.weights]
        places += [(f"models.{name}.residual_to", model.residual_to)] if model.residual_to else []
    reports = plan.case_reports
    shown = _reported(reports)
    places += [(f"case_reports: {name}", name.partition(".")[0]) for name in shown]
    places += [
        ("case_reports.unit_cost", reports.unit_cost),
        *((f"case_reports.advice.{kpi}", kpi) for kpi in reports.advice),
    ]
    for module, review in reports.review.items():
        places += [(f"case_reports.review.{module}", kpi) for kpi in review.kpis]
    if (appraisal := plan.scorecards.people.appraisal) is not None:
        places += [(f"scorecards.people.appraisal.core.{kpi}", kpi) for kpi in appraisal.core]
        places += [(f"scorecards.people.appraisal.soft.{kpi}", kpi) for kpi in appraisal.soft]
    for scheme in plan.incentives:
        places += [(f"incentives.{scheme.id}.of", scheme.of), (f"incentives.{scheme.id}.judged_by", scheme.judged_kpi)]
    for place, kpi in places:
        if kpi not in catalogue.kpis:
            yield f"{place}: no KPI {kpi!r}; {nearest(kpi, catalogue.kpis)}"


def _wrong_variants(catalogue: Catalogue, plan: Plan) -> Iterator[str]:
    for kpi, variant in plan.definitions.official.items():
        if kpi in catalogue.kpis and variant not in catalogue.kpis[kpi].variants:
            known = catalogue.kpis[kpi].variants
            yield f"definitions.official.{kpi}: no variant {variant!r}; {nearest(variant, known)}"


def _case_faults(catalogue: Catalogue, plan: Plan) -> Iterator[str]:
    """Variants a case report names that the KPI does not have."""
    for name in _reported(plan.case_reports):
        kpi, _, variant = name.partition(".")
        if variant and kpi in catalogue.kpis and variant not in catalogue.kpis[kpi].variants:
            yield f"case_reports: {name}: no variant {variant!r}; {nearest(variant, catalogue.kpis[kpi].variants)}"


def _reported(reports: CaseReports) -> list[str]:
    """KPIs, or KPI.variant, that are a line of a report."""
    return [*reports.before_after, *(name for names in reports.attainment.values() for name in names), *reports.cases]


def _incentive_faults(catalogue: Catalogue, plan: Plan) -> Iterator[str]:
    """What is no amount of money, is not told of those who are to earn it, or is reached by having less."""
    for scheme in plan.incentives:
        for place, name in {"of": scheme.of, "judged_by": scheme.judged_kpi}.items():
            if name not in catalogue.kpis:
                continue
            kpi = catalogue.kpis[name]
            yield from _untold(catalogue, plan, f"incentives.{scheme.id}.{place}", name, scheme.dimension)
            if place == "of" and not (kpi.unit == "currency" and kpi.is_quantity):
                yield f"incentives.{scheme.id}.of: {name} is no amount of money; use one, such as revenue"
            if place == "judged_by" and kpi.better == "lower":
                yield f"incentives.{scheme.id}.judged_by: of {name} less is better, so there is no quota to go beyond"
        yield from _unknown_channels(plan, f"incentives.{scheme.id}.members", scheme.dimension, scheme.members)


def _alert_faults(catalogue: Catalogue, plan: Plan) -> Iterator[str]:
    """Limits that get better where they should get worse, where the rule leaves it to the KPI which way that is."""
    for rule in plan.alerts.rules:
        limits = list(rule.limits.values())
        if rule.kpi not in catalogue.kpis or rule.comparison or len(limits) < 2:
            continue
        is_lower = catalogue.kpis[rule.kpi].better == "lower"
        if limits != sorted(limits, reverse=is_lower):
            way = "less" if is_lower else "more"
            yield f"alerts.{rule.id}: of {rule.kpi} {way} is better, so turn the limits round, or state a comparison"


def _claimed(plan: Plan) -> Iterator[tuple[str, AssertedFigure]]:
    for claim in plan.claims.items:
        yield from ((claim.id, figure) for figure in claim.figures)


def _claim_faults(catalogue: Catalogue, plan: Plan) -> Iterator[str]:
    """Variants and dimensions a claim is about that its KPI does not have."""
    for claim, figure in _claimed(plan):
        if figure.kpi is None or figure.kpi not in catalogue.kpis:
            continue
        kpi = catalogue.kpis[figure.kpi]
        variant = figure.variant or catalogue.official(figure.kpi, plan.definitions)
        if variant not in kpi.variants:
            if figure.variant:
                yield f"claims.{claim}.variant: no variant {variant!r}; {nearest(variant, kpi.variants)}"
            continue
        known = ["total", *catalogue.dimensions(figure.kpi, kpi.variants[variant])]
        if figure.dimension not in known:
            yield f"claims.{claim}.dimension: {figure.kpi} has none of {figure.dimension}; known: {', '.join(known)}"


def _target_faults(catalogue: Catalogue, plan: Plan, name: str) -> Iterator[str]:
    kpi, target = catalogue.kpis[name], plan.target(name)
    if target is None:
        return
    if target.milestones and not kpi.additive:
        yield f"targets.{name}.milestones: {name} does not add up over months; remove the milestones"
    yield from _floor_faults(f"targets.{name}", name, kpi.better, target)
    yield from _member_faults(catalogue, plan, name, target)


def _member_faults(catalogue: Catalogue, plan: Plan, name: str, target: Target) -> Iterator[str]:
    """Dimensions the KPI is not told by, channels the plan has not, and targets on the wrong side of the floor."""
    kpi = catalogue.kpis[name]
    for dimension, members in target.by.items():
        place = f"targets.{name}.by.{dimension}"
        yield from _untold(catalogue, plan, place, name, dimension)
        yield from _unknown_channels(plan, place, dimension, members)
        for member, value in members.items():
            own = target.of(value, is_part=name in catalogue.quantities)
            if target.floor is not None or kpi.better == "higher":
                yield from _floor_faults(f"{place}.{member}", name, kpi.better, own)


def _untold(catalogue: Catalogue, plan: Plan, place: str, name: str, dimension: str) -> Iterator[str]:
    """A dimension that the official variant of a KPI is not told by."""
    variant = catalogue.kpis[name].variants.get(catalogue.official(name, plan.definitions))
    known = catalogue.dimensions(name, variant) if variant else []
    if variant and dimension not in known:
        yield f"{place}: {name} is not told by {dimension}; known: {', '.join(known) or 'none'}"


def _unknown_channels(plan: Plan, place: str, dimension: str, members: Iterable[str]) -> Iterator[str]:
    """Channels the plan has not, where it says which there are."""
    channels = [channel.id for channel in plan.channels]
    if dimension == "channel" and channels:
        for member in sorted(set(members) - set(channels)):
            yield f"{place}: no channel {member!r} under channels; {nearest(member, channels)}"


def _floor_faults(place: str, name: str, better: Better, target: Target) -> Iterator[str]:
    if better == "lower" and target.floor is None:
        yield f"{place}.floor: missing; for {name} less is better, so state the value that is worth 0 points"
    elif better == "lower" and target.floor <= target.value:
        yield f"{place}.floor: {target.floor:g} must be above the target {target.value:g}, since less is better"
    elif better == "higher" and (target.floor or 0) >= target.value:
        yield f"{place}.floor: {target.floor or 0:g} must be below the target {target.value:g}"
