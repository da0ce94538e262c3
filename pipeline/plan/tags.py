"""Words that describe a customer, and the evidence each of them asks for."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field, field_validator

from pipeline.plan.base import Identifier, Label, Share, Strict, used_twice

Count = Annotated[int, Field(ge=1)]


class Area(Strict):
    """Provinces that are spoken of together, by the beginning of their names: 浙江 is 浙江省."""

    id: Identifier
    label: Label
    provinces: Annotated[list[str], Field(min_length=1)]


class Cycle(Strict):
    """A rhythm of buying: fewer days between orders than this, on average, and since the last one."""

    id: Identifier
    label: Label
    days_below: Count


class PriceSensitive(Strict):
    """Signs that the price decides; how many of them it takes (S2 §01)."""

    orders_least: Annotated[int, Field(ge=2)] = 4
    """Orders in the window from which on order values and campaigns are signs at all."""
    cheap_ratio: Share = 0.70
    """Its orders together are worth at most this share of as many ordinary orders of the same categories."""
    trend_ratio: Share = 0.70
    """The later half of its orders is worth at most this share of the earlier half, each against its categories."""
    campaign_share: Share = 0.50
    campaign_days: Count = 14
    """At least this share of its orders came within so many days of a contact that belongs to a campaign."""
    price_words: list[str] = ["价格", "太贵", "预算", "price", "expensive", "budget"]
    """Words by which the reason of a lost lead speaks of the price."""
    signs_least: Annotated[int, Field(ge=1, le=4)] = 2


class BrandLoyal(Strict):
    """Who keeps coming back for the same (S2 §01)."""

    orders_least: Annotated[int, Field(ge=2)] = 4
    days_least: Count = 365
    """Days between the first order and the last, which itself lies in the window."""
    same_product_share: Share = 0.50
    """Share of its orders with a known product that were of one; they are as many as orders are asked for."""


class NoveltySeeking(Strict):
    """Signs that what is new attracts; how many of them it takes (S2 §01, S3 二(二)2)."""

    orders_least: Annotated[int, Field(ge=2)] = 4
    first_time_share: Share = 0.75
    """Share of its orders after the first that were of a product it had never bought before."""
    launch_days: Count = 90
    """A product bought within so many days of its first sale to anyone was new; not so what was sold from the start."""
    trials_least: Count = 1
    """Trials in the window."""
    signs_least: Annotated[int, Field(ge=1, le=3)] = 2


def usual_areas() -> list[Area]:
    """The seven areas of the mainland, and what lies beside it."""
    return [
        Area(
            id="north", label=Label(zh="华北", en="North China"), provinces=["北京", "天津", "河北", "山西", "内蒙古"]
        ),
        Area(id="northeast", label=Label(zh="东北", en="Northeast China"), provinces=["辽宁", "吉林", "黑龙江"]),
        Area(
            id="east",
            label=Label(zh="华东", en="East China"),
            provinces=["上海", "江苏", "浙江", "安徽", "福建", "江西", "山东"],
        ),
        Area(id="central", label=Label(zh="华中", en="Central China"), provinces=["河南", "湖北", "湖南"]),
        Area(id="south", label=Label(zh="华南", en="South China"), provinces=["广东", "广西", "海南"]),
        Area(
            id="southwest",
            label=Label(zh="西南", en="Southwest China"),
            provinces=["重庆", "四川", "贵州", "云南", "西藏"],
        ),
        Area(
            id="northwest",
            label=Label(zh="西北", en="Northwest China"),
            provinces=["陕西", "甘肃", "青海", "宁夏", "新疆"],
        ),
        Area(id="hmt", label=Label(zh="港澳台", en="Hong Kong, Macau, Taiwan"), provinces=["台湾", "香港", "澳门"]),
    ]


def usual_cycles() -> list[Cycle]:
    """Monthly, quarterly, yearly: each reaches half-way to the next (S3 二(二)2)."""
    return [
        Cycle(id="monthly", label=Label(zh="月度采购", en="Buys monthly"), days_below=60),
        Cycle(id="quarterly", label=Label(zh="季度采购", en="Buys quarterly"), days_below=228),
        Cycle(id="yearly", label=Label(zh="年度采购", en="Buys yearly"), days_below=548),
    ]


def usual_active_kinds() -> list[str]:
    """Contacts that the customer makes or comes to."""
    return [
        "consultation",
        "webinar",
        "live",
        "expo",
        "trial",
        "site_visit",
        "download",
        "email_open",
        "login",
    ]


class Tags(Strict):
    """Base, behaviour and need tags with the evidence each asks for (S2 §01; S3 二(二)2, 三(一))."""

    window_months: Count = 12
    """Of what a customer does; loyalty, novelty and rhythm look at all history."""
    frequent_orders: Count = 5
    active_contacts: Count = 6
    active_kinds: list[str] = Field(default_factory=usual_active_kinds)
    preferred_share: Share = 0.50
    preferred_orders: Annotated[int, Field(ge=2)] = 2
    """A product or category is preferred that makes up this share of the orders in the window, and so many of them."""
    service_requests: Count = 2
    """Complaints and requests for service in the window that speak of a need for service."""
    cycle_orders: Annotated[int, Field(ge=3)] = 4
    """Days with orders from which on a customer may have a rhythm."""
    cycle_variation: Annotated[float, Field(gt=0)] = 0.75
    """It has one if the standard deviation of the days between them is at most this share of their mean."""
    cycles: list[Cycle] = Field(default_factory=usual_cycles)
    areas: list[Area] = Field(default_factory=usual_areas)
    price_sensitive: PriceSensitive = PriceSensitive()
    brand_loyal: BrandLoyal = BrandLoyal()
    novelty_seeking: NoveltySeeking = NoveltySeeking()

    @field_validator("cycles")
    @classmethod
    def _cycles_lengthen(cls, cycles: list[Cycle]) -> list[Cycle]:
        limits = [cycle.days_below for cycle in cycles]
        if limits != sorted(set(limits)):
            raise ValueError(f"days_below must grow from cycle to cycle, found {limits}")
        return cycles

    @field_validator("cycles", "areas")
    @classmethod
    def _ids_differ(cls, named: list[Area] | list[Cycle]) -> list[Area] | list[Cycle]:
        twice = used_twice([one.id for one in named])
        if twice:
            raise ValueError(f"ids {', '.join(twice)} are used twice; give each its own")
        return named

    @field_validator("areas")
    @classmethod
    def _provinces_differ(cls, areas: list[Area]) -> list[Area]:
        provinces = sorted(province for area in areas for province in area.provinces)
        clash = [f"{one} and {other}" for one, other in pairwise(provinces) if other.startswith(one)]
        if clash:
            raise ValueError(f"a customer could be in two areas by {', '.join(clash)}; name each province once")
        return areas
