"""What a manager should do something about: rules over figures with sentence, advice, owner and day (F185)."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, model_validator

from pipeline.plan.base import Identifier, Label, Strict, used_twice

INSIGHTS_FILE = Path(__file__).with_name("insights.yaml")

About = Literal["kpi", "channel", "budget", "risk", "alert", "funnel", "quality", "win_back", "claim", "task"]


class Bounds(Strict):
    """What a figure must be; it must be known too, unless it is wanted unknown."""

    above: float | None = None
    least: float | None = None
    below: float | None = None
    most: float | None = None
    known: bool = True

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Bounds":
        if not self.known and {self.above, self.least, self.below, self.most} != {None}:
            raise ValueError("a figure that is wanted unknown has no bounds; remove them, or known: false")
        return self

    def holds(self, value: float) -> bool:
        """Whether a figure that is known is within."""
        return (
            self.known
            and (self.above is None or value > self.above)
            and (self.least is None or value >= self.least)
            and (self.below is None or value < self.below)
            and (self.most is None or value <= self.most)
        )


class InsightRule(Strict):
    """When something is worth doing, what is then said, and what to do.

    `where` names codes of what is looked at, and which of their values are meant; `when` bounds its figures. Templates
    print figures and words by name: `{cac}`. A sentence prints at least one number. Of rules with the same `topic` only
    the first that fires for a channel, a team, … makes an action.
    """

    id: Identifier
    about: About
    topic: Annotated[str, Field(pattern=r"^[a-z_]+([.][{]?[a-z_]+[}]?)?$")]
    finding: Literal["problem", "opportunity"] = "problem"
    where: dict[Identifier, list[str]] = {}
    when: dict[Identifier, Bounds] = {}
    sentence: Label
    advice: Label
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    """1 comes first."""
    size: Identifier | None = None
    """The figure by which the larger of two findings of one rule comes first."""
    days: Annotated[int, Field(ge=0, le=366)] = 14
    """From the day it is first found to the day it is to be done by."""
    answers: Literal["campaign", "data"] = "campaign"
    """Whose it is where neither the rule nor what it is about has an owner."""
    owner: str | None = None


class Actions(Strict):
    """The rules that come with the product, as far as a plan changes them, and those it adds."""

    rules: list[InsightRule] = []
    """Added; one with the id of a usual rule takes its place."""
    without: list[Identifier] = []
    """Usual rules that are not wanted."""
    limits: dict[Identifier, dict[Identifier, Bounds]] = {}
    """Rule -> figure -> what takes the place of its bounds."""
    owners: dict[Identifier, str] = {}
    """Rule -> who answers for what it finds."""

    @model_validator(mode="after")
    def _names_rules_that_exist(self) -> "Actions":
        twice = used_twice([rule.id for rule in self.rules])
        if twice:
            raise ValueError(f"rules with the same id: {', '.join(twice)}; give each its own")
        known = {rule.id: rule for rule in [*usual_insights(), *self.rules]}
        for name in [*self.without, *self.limits, *self.owners]:
            if name not in known:
                raise ValueError(f"no rule {name!r}; known: {', '.join(sorted(known))}")
        for name, limits in self.limits.items():
            strange = sorted(set(limits) - set(known[name].when))
            if strange:
                raise ValueError(
                    f"rule {name} has no limit of {', '.join(strange)}; it has {', '.join(known[name].when)}"
                )
        return self

    @property
    def effective(self) -> list[InsightRule]:
        """The rules that hold, in order: the usual ones as the plan changes them, then its own."""
        own = {rule.id: rule for rule in self.rules}
        usual = [own.pop(rule.id, rule) for rule in usual_insights()]
        return [self._changed(rule) for rule in [*usual, *own.values()] if rule.id not in self.without]

    def _changed(self, rule: InsightRule) -> InsightRule:
        changes = {"when": rule.when | self.limits.get(rule.id, {}), "owner": self.owners.get(rule.id, rule.owner)}
        return rule.model_copy(update=changes)


@cache
def usual_insights() -> tuple[InsightRule, ...]:
    """The rules of insights.yaml."""
    return tuple(InsightRule.model_validate(rule) for rule in yaml.safe_load(INSIGHTS_FILE.read_text(encoding="utf-8")))
