"""What marks each persona against the mean of all, in words with numbers."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from assets.dws.personas.features import MEASURES, number_text, saying
from assets.dws.personas.finding import Found
from pipeline.plan import Label, Plan

IN_A_LABEL, IN_A_SENTENCE = 2, 3
AVERAGE = Label(zh="各方面接近平均", en="Close to the average in everything")


class Mark(NamedTuple):
    """A feature that marks a group: how many standard deviations its centre lies from the mean of all."""

    name: str
    score: float

    @property
    def label(self) -> Label:
        """What it is called."""
        return MEASURES[self.name].much if self.score > 0 else MEASURES[self.name].little


class Profile(NamedTuple):
    """A persona in words."""

    label: Label
    marks: list[Mark]
    """What marks it most comes first."""


def profiles(found: Found, marked_from: float) -> list[Profile]:
    """The profile of each group: it is called by the two features that mark it most.

    Of groups that would be called the same each is told by one feature more, and at last by its number.
    """
    marks = [_marks(found.points.names, centre, marked_from) for centre in found.groups.centres]
    counts = [IN_A_LABEL] * len(marks)
    for count in range(IN_A_LABEL, len(found.points.names)):
        twice = _twice([_label(own[: counts[place]]) for place, own in enumerate(marks)])
        counts = [count + 1 if place in twice else counts[place] for place in range(len(marks))]
    labels = [_label(own[: counts[place]]) for place, own in enumerate(marks)]
    for place in _twice(labels):
        number = found.class_ids[place].rpartition("_")[2]
        labels[place] = Label(zh=f"{labels[place].zh}（{number}）", en=f"{labels[place].en} ({number})")
    return [Profile(label, own) for label, own in zip(labels, marks, strict=True)]


def _marks(names: Sequence[str], centre: np.ndarray, marked_from: float) -> list[Mark]:
    marks = [Mark(name, float(score)) for name, score in zip(names, centre, strict=True)]
    ordered = sorted(marks, key=lambda mark: (-abs(mark.score), mark.name))
    return [mark for mark in ordered if abs(mark.score) >= marked_from]


def _label(marks: Iterable[Mark]) -> Label:
    labels = [mark.label for mark in marks]
    if not labels:
        return AVERAGE
    english = ", ".join(label.en for label in labels)
    return Label(zh="、".join(label.zh for label in labels), en=english[0].upper() + english[1:])


def _twice(labels: list[Label]) -> set[int]:
    """The places of labels that stand more than once."""
    return {place for place, label in enumerate(labels) if labels.count(label) > 1}


def sentence(found: Found, profile: Profile, own: dict[str, float], customers: int, plan: Plan) -> Label:
    """How many they are, and the numbers that mark them against those of all; `own` are the group's centres."""
    share = f"{customers / len(found.groups.members):.1%}"
    every = {scale.name: float(scale.values(np.zeros(1))[0]) for scale in found.points.scales}
    told_zh, told_en = [], []
    for mark in profile.marks[:IN_A_SENTENCE]:
        says, number, all_of = saying(mark.name, plan), number_text(mark.name, own[mark.name]), every[mark.name]
        told_zh.append(f"{says.zh.format(number=number)}（全体 {number_text(mark.name, all_of)}）")
        told_en.append(f"{says.en.format(number=number)} (all: {number_text(mark.name, all_of)})")
    usual_zh = f"通常{'，'.join(told_zh)}" if told_zh else AVERAGE.zh
    usual_en = f"typically {', '.join(told_en)}" if told_en else AVERAGE.en.lower()
    people = "1 customer" if customers == 1 else f"{customers:,} customers"
    return Label(
        zh=f"共 {customers:,} 位客户，占参与分群客户的 {share}；{usual_zh}。",
        en=f"{people}, {share} of those grouped; {usual_en}.",
    )


def reasons(profile: Profile, names: Sequence[str], plan: Plan) -> tuple[list[str], Label]:
    """The features whose numbers tell a customer why it is in the group, and the sentence with places for them."""
    told = [mark.name for mark in profile.marks[:IN_A_SENTENCE]] or list(names[:IN_A_LABEL])
    says = [saying(name, plan) for name in told]
    places = range(len(told))
    chinese = "，".join(say.zh.format(number=f"{{{place}}}") for place, say in zip(places, says, strict=True))
    english = ", ".join(say.en.format(number=f"{{{place}}}") for place, say in zip(places, says, strict=True))
    english = english[0].upper() + english[1:]
    return told, Label(
        zh=f"{chinese}；综合 {len(names)} 项特征，与“{profile.label.zh}”一组最接近。",
        en=f"{english}; by {len(names)} features closest to the group “{profile.label.en}”.",
    )
