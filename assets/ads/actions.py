"""What to do, by whom, until when: insight rules held against the day's figures, one action for one thing (F185).

Covers S1 表3, S0 §5.3(2), S3 二(五): F164, F185, F196; U12; I56.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from string import Formatter
from typing import Any, NamedTuple

import pandas as pd

from assets.ads.alert_signals import ALERT_SIGNALS, BUDGET
from assets.ads.channel_scorecard import CHANNEL_SCORECARD
from assets.ads.claims import CLAIMS, TASKS
from assets.ads.insight_sources import FUNNEL, SOURCES, WIN_BACK, Day, Figure, Observation
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.risk_register import RISK_REGISTER
from assets.ads.wording import shown
from assets.factory import Lineage
from pipeline.plan import InsightRule, Label, Plan
from pipeline.tables import TableSpec
from quality.scorecard import SCORECARD

TEXT = "text"
UNKNOWN_NUMBER = "–"

ACTIONS = TableSpec(
    name="ads.actions",
    description="One row per thing to do: what was found, in numbers, what to do, who, until when, on what evidence.",
    grain=("action_id",),
    columns={
        "action_id": (TEXT, "Topic, dimension and member: the same from day to day"),
        "position": ("bigint", "Place in the list, the most urgent first"),
        "priority": ("bigint", "1 to 5 by the rule, 1 first"),
        "finding_kind": (TEXT, "problem or opportunity"),
        "rule_id": (TEXT, "Rule that found it"),
        "topic": (TEXT, "What it is about; one action a topic and member"),
        "dimension": (TEXT, "total, channel, team, category, risk, source, step or claim"),
        "member": (TEXT, "Member of the dimension"),
        "sentence_zh": (TEXT, "What was found, in Chinese, in numbers"),
        "sentence_en": (TEXT, "What was found, in English, in numbers"),
        "advice_zh": (TEXT, "What to do, in Chinese"),
        "advice_en": (TEXT, "What to do, in English"),
        "owner": (TEXT, "Who answers for it"),
        "first_found_on": ("date", "First of the evaluated days on which it was found without a break"),
        "due_on": ("date", "Day it is to be done by: so many days after as the rule gives"),
        "is_overdue": ("boolean", "Whether that day is past, and it is still found"),
        "evidence_table": (TEXT, "Table the figures are from"),
        "evidence_keys": (TEXT, "Columns and values that lead to the row"),
        "other_rules": (TEXT, "Rules that found the same thing, less urgent; NULL if none did"),
    },
)


class Found(NamedTuple):
    """The rows, and how many times which rule could not be judged, by reason."""

    rows: pd.DataFrame
    not_judged: Mapping[str, int]


@dataclass(frozen=True)
class _Candidate:
    """A rule that fires on something."""

    rule: InsightRule
    place: int
    seen: Observation
    sentence: Label

    @property
    def action_id(self) -> str:
        return "/".join((self.topic, self.seen.dimension, self.seen.member))

    @property
    def topic(self) -> str:
        return self.rule.topic.format_map(self.seen.codes)

    @property
    def order(self) -> tuple[Any, ...]:
        """The most urgent first, of one rule the largest; a total order."""
        value, _ = self.seen.figures[self.rule.size] if self.rule.size else (None, "")
        return (self.rule.priority, self.place, -abs(value or 0.0), self.action_id, evidence_keys(self.seen))


def actions(day: Day, before: pd.DataFrame) -> Found:
    """The table `ads.actions`.

    Args:
        day: What rules look at.
        before: `ads.actions` of the evaluated day before; empty where there is none.
    """
    not_judged: Counter[str] = Counter()
    candidates = sorted(_candidates(day, not_judged), key=lambda candidate: candidate.order)
    merged: dict[str, list[_Candidate]] = {}
    for candidate in candidates:
        merged.setdefault(candidate.action_id, []).append(candidate)
    since = dict(zip(before["action_id"], before["first_found_on"], strict=True))
    rows = [_row(place, found, day, since) for place, found in enumerate(merged.values(), start=1)]
    return Found(pd.DataFrame(rows, columns=list(ACTIONS.columns)), dict(sorted(not_judged.items())))


def _candidates(day: Day, not_judged: Counter[str]) -> Iterator[_Candidate]:
    seen = {about: list(source.observations(day)) for about, source in SOURCES.items()}
    for place, rule in enumerate(day.plan.actions.effective):
        if not seen[rule.about]:
            not_judged[f"{rule.id}: {SOURCES[rule.about].table} has nothing to look at"] += 1
        for observation in seen[rule.about]:
            fires = judge(rule, observation)
            if fires is True:
                sentence = _with_caveat(_filled(rule.sentence, observation, day.plan), rule, observation)
                if has_number(sentence):
                    yield _Candidate(rule, place, observation, sentence)
                else:
                    not_judged[f"{rule.id}: no number to tell"] += 1
            elif fires is not False:
                not_judged[f"{rule.id}: {', '.join(fires)} unknown"] += 1


def judge(rule: InsightRule, seen: Observation) -> bool | list[str]:
    """Whether a rule fires, or what would have to be known to tell; one condition that fails is enough to say no."""
    unknown = []
    for name, wanted in rule.where.items():
        code = seen.codes[name]
        if code is None:
            unknown.append(name)
        elif not set(wanted) & ({code} if isinstance(code, str) else code):
            return False
    for name, bounds in rule.when.items():
        value, _ = seen.figures[name]
        if value is None:
            unknown += [name] if bounds.known else []
        elif not bounds.holds(value):
            return False
    return unknown or True


def has_number(sentence: Label) -> bool:
    """Whether both languages tell one."""
    return all(re.search(r"\d", text) for text in (sentence.zh, sentence.en))


def _filled(template: Label, seen: Observation, plan: Plan) -> Label:
    figures = {name: printed(figure, plan.currency) for name, figure in seen.figures.items()} | dict(seen.words)
    return Label(
        zh=template.zh.format_map({name: words.zh for name, words in figures.items()}),
        en=template.en.format_map({name: words.en for name, words in figures.items()}),
    )


def _with_caveat(sentence: Label, rule: InsightRule, seen: Observation) -> Label:
    """The sentence, and which cost the figures it prints are without."""
    told = {name for _, name, *_ in Formatter().parse(rule.sentence.zh) if name}
    if seen.left_out is None or not told & seen.without:
        return sentence
    return Label(zh=f"{sentence.zh}其中成本{seen.left_out.zh}。", en=f"{sentence.en} The cost is {seen.left_out.en}.")


def printed(figure: Figure, currency: str) -> Label:
    """A figure as sentences print it: changes with their sign, what is unknown as a dash."""
    value, unit = figure
    if value is None:
        return Label(zh=UNKNOWN_NUMBER, en=UNKNOWN_NUMBER)
    if unit == "change":
        words = f"{'+' if value > 0 else '−' if value < 0 else ''}{100 * abs(value):.1f}%"
        return Label(zh=words, en=words)
    return shown(value, unit, currency)


def _row(place: int, found: Iterable[_Candidate], day: Day, since: Mapping[str, Any]) -> dict[str, Any]:
    first, *others = found
    rule, seen = first.rule, first.seen
    found_on = pd.Timestamp(since.get(first.action_id, day.as_of)).date()
    due_on = found_on + timedelta(days=rule.days)
    advice = _filled(rule.advice, seen, day.plan)
    return {
        "action_id": first.action_id,
        "position": place,
        "priority": rule.priority,
        "finding_kind": rule.finding,
        "rule_id": rule.id,
        "topic": first.topic,
        "dimension": seen.dimension,
        "member": seen.member,
        "sentence_zh": first.sentence.zh,
        "sentence_en": first.sentence.en,
        "advice_zh": advice.zh,
        "advice_en": advice.en,
        "owner": rule.owner or seen.owner or getattr(day.plan.owners, rule.answers),
        "first_found_on": found_on,
        "due_on": due_on,
        "is_overdue": due_on < day.as_of,
        "evidence_table": SOURCES[rule.about].table,
        "evidence_keys": evidence_keys(seen),
        "other_rules": ", ".join(dict.fromkeys(other.rule.id for other in others if other.rule.id != rule.id)) or None,
    }


def evidence_keys(seen: Observation) -> str:
    """`period=campaign, channel=expo`."""
    return ", ".join(f"{name}={value}" for name, value in seen.keys.items())


def insight_faults(plan: Plan) -> Iterator[str]:
    """What rules name that is not there, and sentences without a number; one line each."""
    for rule in plan.actions.effective:
        source = SOURCES[rule.about]
        wanted = [("where", name, source.codes) for name in rule.where]
        wanted += [("when", name, source.figures) for name in [*rule.when, *([rule.size] if rule.size else [])]]
        wanted += [("topic", name, source.codes) for name in fields(rule.topic)]
        for text in (rule.sentence.zh, rule.sentence.en, rule.advice.zh, rule.advice.en):
            wanted += [("templates", name, source.figures | source.words) for name in fields(text)]
        for place, name, known in dict.fromkeys(wanted):
            if name not in known:
                yield f"actions.{rule.id}.{place}: {rule.about} has no {name!r}; known: {', '.join(sorted(known))}"
        for text in (rule.sentence.zh, rule.sentence.en):
            if not set(fields(text)) & (source.figures | {"told"}):
                known = ", ".join(sorted(source.figures))
                yield f"actions.{rule.id}.sentence: {text!r} tells no number; print one of {known}"


def fields(template: str) -> list[str]:
    """The names in braces of a template."""
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]


def actions_lineage() -> Lineage:
    """Figures, limits and states that rules are about."""
    looked_at = [
        (KPI_VALUES.name, "value"),
        (CHANNEL_SCORECARD.name, "fired_rules"),
        (CHANNEL_SCORECARD.name, "advised_change"),
        (BUDGET, "to_date_status"),
        (RISK_REGISTER.name, "is_holding"),
        (ALERT_SIGNALS.name, "is_raised"),
        (FUNNEL, "drop_rate"),
        (SCORECARD.name, "status"),
        (WIN_BACK, "is_overdue"),
        (CLAIMS.name, "claim_verdict"),
        (TASKS, "task_state"),
    ]
    return dict.fromkeys(("action_id", "sentence_zh", "sentence_en", "priority"), looked_at)
