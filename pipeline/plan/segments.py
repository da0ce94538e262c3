"""How customers are classified, and what is done about each class."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, field_validator

from pipeline.plan.base import Identifier, Label, Share, Strict
from pipeline.plan.churn import Churn, WinBack
from pipeline.plan.groups import Groups
from pipeline.plan.lifecycle import Lifecycle
from pipeline.plan.personas import Personas
from pipeline.plan.rfm import Rfm
from pipeline.plan.tags import Tags
from pipeline.plan.tiers import Tiers
from pipeline.plan.value import Matrix, Value


class Abc(Strict):
    """Cumulative share of spend at which class A ends, and class B (S3 二(二)1; I34)."""

    a_until: Share = 0.70
    b_until: Share = 0.90


Scheme = Literal["rfm", "rfm_score", "abc", "group", "matrix", "tier", "lifecycle", "churn", "persona"]


class Segments(Strict):
    """How customers are classified."""

    rfm: Rfm = Rfm()
    abc: Abc = Abc()
    groups: Groups = Groups()
    personas: Personas = Personas()
    tags: Tags = Tags()
    value: Value = Value()
    matrix: Matrix = Matrix()
    tiers: Tiers = Tiers()
    lifecycle: Lifecycle = Lifecycle()
    churn: Churn = Churn()
    win_back: WinBack = WinBack()
    strategy_by: Annotated[list[Scheme], Field(min_length=1)] = ["rfm"]
    """What to do about a customer is the play of his class in the first of these that has one."""

    @field_validator("strategy_by")
    @classmethod
    def _schemes_differ(cls, schemes: list[Scheme]) -> list[Scheme]:
        twice = sorted({scheme for scheme in schemes if schemes.count(scheme) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands in it twice; name each scheme once")
        return schemes


class Play(Strict):
    """What to do about a segment, with what, and who does it (S3 二(四)1)."""

    strategy: Label
    resource: Label
    owner: str


@cache
def _own_plays() -> dict[Identifier, Play]:
    written = yaml.safe_load(Path(__file__).with_name("playbook.yaml").read_text(encoding="utf-8"))
    return {segment: Play.model_validate(play) for segment, play in written.items()}


def usual_playbook() -> dict[Identifier, Play]:
    """What is done about the classes of RFM where a plan says nothing else."""
    return dict(_own_plays())
