"""How customers are classified, and what is done about each class."""

from pipeline.plan.base import Label, Share, Strict
from pipeline.plan.groups import Groups
from pipeline.plan.rfm import Rfm


class Abc(Strict):
    """Cumulative share of spend at which class A ends, and class B (S3 二(二)1; I34)."""

    a_until: Share = 0.70
    b_until: Share = 0.90


class Segments(Strict):
    """How customers are classified."""

    rfm: Rfm = Rfm()
    abc: Abc = Abc()
    groups: Groups = Groups()


class Play(Strict):
    """What to do about a segment, with what, and who does it (S3 二(四)1)."""

    strategy: Label
    resource: Label
    owner: str
