"""What documents say of the campaign, so that every evaluation can hold it against the figures (U12, F194)."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.plan.base import Identifier, Scope, Share, Strict, used_twice

Assertion = Literal["value", "ratio", "change", "difference", "direction", "attainment", "open_items", "problem"]
Direction = Literal["up", "down", "same"]
PeriodName = Annotated[
    str, Field(pattern=r"^(campaign|baseline|\d{4}-(W\d{2}|Q[1-4]|(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?))$")
]
PERSONAL = re.compile(r"[\w.+-]+@[\w-]+[.]\w|(?<!\d)1[3-9]\d{9}(?!\d)")
"""An e-mail address, or a mobile number."""


class AssertedFigure(Strict):
    """A number a sentence asserts, and the KPI and period it is about.

    A `value`, or `ratio` as the X of 1:X; a `change` relative to, or a `difference` from, what it is held `against`; a
    `direction`; the `attainment` of the target; `open_items` that a task carries forward. A `problem` says that more
    of a cost is one: it is, unless the cost of a unit (`judged_by`) got better meanwhile (I56).
    """

    kind: Assertion = "value"
    kpi: Identifier | None = None
    variant: str | None = None
    period: PeriodName = "campaign"
    dimension: Scope = "total"
    member: str | None = None
    against: Literal["baseline", "previous", "target"] | PeriodName = "baseline"
    number: float | None = None
    """What is said: rates and changes 0 to 1, money in the currency of the plan."""
    direction: Direction | None = None
    tolerance: Annotated[float, Field(ge=0)] | None = None
    """How far off it may be; half of the last digit said, and of percentages half of one at most, where none is."""
    task: str | None = None
    judged_by: Identifier = "cac"

    @model_validator(mode="after")
    def _says_what_its_kind_needs(self) -> "AssertedFigure":
        needed = {"open_items": ["task", "number"], "direction": ["kpi", "direction"], "problem": ["kpi"]}
        missing = [name for name in needed.get(self.kind, ["kpi", "number"]) if getattr(self, name) is None]
        if missing:
            raise ValueError(f"a figure of kind {self.kind} needs {' and '.join(missing)}")
        if (self.dimension == "total") != (self.member is None):
            raise ValueError(f"dimension {self.dimension} with member {self.member}; name both, or neither")
        if self.direction is not None and self.kind != "direction":
            raise ValueError(f"a figure of kind {self.kind} has no direction; use kind direction")
        return self


class Cause(Strict):
    """Why a figure is as it is, in the words of whoever says so: an opinion, whatever the figures say (I55)."""

    kpi: Identifier
    text: str = Field(min_length=1)


class Claim(Strict):
    """A sentence of a document with the figures it asserts."""

    id: Identifier
    source: str = Field(min_length=1)
    """The document and the place in it."""
    text: str = Field(min_length=1)
    figures: list[AssertedFigure] = []
    cause: Cause | None = None

    @field_validator("source", "text")
    @classmethod
    def _nobody_is_named(cls, text: str) -> str:
        if PERSONAL.search(text):
            raise ValueError("has an e-mail address or a mobile number in it; claims are published, so leave it out")
        return text


def usual_vague_words() -> list[str]:
    """Words that stand where a number should (S3 四(四))."""
    zh = ["绝大多数", "绝大部分", "大部分", "大多数", "多数", "少数", "很多", "许多", "不少", "大量", "少量", "若干"]
    zh += ["大幅", "显著", "明显", "一些"]
    en = ["most", "many", "majority", "several", "few", "some", "numerous", "plenty", "lots", "a lot"]
    return [*zh, *en, "significantly", "considerably", "substantially"]


class Claims(Strict):
    """What documents say, and how strictly it is taken."""

    items: list[Claim] = []
    vague_words: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=usual_vague_words)
    """Flagged in a sentence that has no number."""
    consistency: Share = 0.01
    """A target that follows from others of the plan may differ from what follows by this part of it (I52)."""

    @model_validator(mode="after")
    def _ids_differ(self) -> "Claims":
        twice = used_twice([claim.id for claim in self.items])
        if twice:
            raise ValueError(f"claims with the same id: {', '.join(twice)}; give each its own")
        return self
