"""The demo's story in numbers: who sold what to whom, over which channel, when, and at what cost.

Each table has its own seeded generator, so a change to one leaves the others as they were. Things are known by
their place (customer 0, 1, 2 …, -1 for nobody); `rows` turns places into ids and numbers into text.

The plot: the acquisition campaign nearly doubles the leads and shortens the sales cycle; referrals are cheap and
convert best, online advertising is dear and converts worst; the south-west team lags; the people of the control
group work on as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

TEAMS = 5
NOBODY = -1
HOUR = np.timedelta64(3600, "s")
DAY = np.timedelta64(1, "D")
NEVER = np.datetime64("NaT", "s")

Numbers = np.ndarray
Moments = np.ndarray
Block = dict[str, np.ndarray]


@dataclass(frozen=True)
class Scale:
    """How big the company is; row counts are aimed at within a few per cent."""

    name: str
    customers: int
    leads: int
    orders: int
    interactions: int
    answers: int
    media_bills: int
    people: int
    activities: int


@dataclass(frozen=True)
class Streams:
    """Random numbers, a stream of their own for each name."""

    seed: int

    def of(self, name: str) -> np.random.Generator:
        """The stream of that name, from its beginning."""
        return np.random.default_rng([self.seed, *name.encode()])


@dataclass(frozen=True)
class ChannelStory:
    """How a channel behaves: its share of the leads before and during the campaign, and what becomes of them."""

    id: str
    share: float
    share_in_campaign: float
    valid: float
    wins: float
    cost_per_lead: float
    """Media spend, yuan."""


CHANNELS = (
    ChannelStory("social", 0.24, 0.27, valid=0.58, wins=0.60, cost_per_lead=210),
    ChannelStory("search", 0.18, 0.16, valid=0.64, wins=0.64, cost_per_lead=340),
    ChannelStory("content", 0.11, 0.12, valid=0.66, wins=0.66, cost_per_lead=160),
    ChannelStory("online_ads", 0.16, 0.13, valid=0.42, wins=0.46, cost_per_lead=880),
    ChannelStory("online_event", 0.07, 0.11, valid=0.62, wins=0.62, cost_per_lead=120),
    ChannelStory("field", 0.10, 0.08, valid=0.50, wins=0.58, cost_per_lead=0),
    ChannelStory("partner", 0.04, 0.04, valid=0.66, wins=0.64, cost_per_lead=0),
    ChannelStory("expo", 0.04, 0.03, valid=0.72, wins=0.64, cost_per_lead=0),
    ChannelStory("referral", 0.06, 0.06, valid=0.86, wins=0.88, cost_per_lead=0),
)
PARTNER, EXPO, REFERRAL = 6, 7, 8

TEAM_SKILL = np.array([1.08, 1.02, 1.0, 0.82, 1.10])
"""How much oftener than usual each team wins; the south-west lags."""

TIERS = ("key", "regular", "occasional")
TIER_SHARES = (0.10, 0.34, 0.56)
ORDERS_A_MONTH = np.array([1.3, 0.34, 0.09])
USUAL_ORDER = np.array([21_000, 11_000, 7_000])

LEAD_KINDS = {
    "call": 0.40,
    "consultation": 0.13,
    "visit": 0.13,
    "webinar": 0.07,
    "live": 0.05,
    "expo": 0.03,
    "trial": 0.06,
    "site_visit": 0.07,
    "download": 0.06,
}
CUSTOMER_KINDS = {
    "call": 0.20,
    "visit": 0.16,
    "login": 0.20,
    "service_request": 0.12,
    "complaint": 0.05,
    "email_open": 0.12,
    "consultation": 0.08,
    "site_visit": 0.07,
}
KINDS = tuple(dict.fromkeys([*LEAD_KINDS, *CUSTOMER_KINDS]))
ANSWERED_KINDS = ("consultation", "complaint", "service_request")

CATEGORIES = ("labour", "media", "material", "event", "commission", "other")
QUESTIONS = ("csat", "nps", "text", "peer", "likert")
SCALES = {"csat": (1, 5), "nps": (0, 10), "peer": (1, 5), "likert": (1, 5)}


@dataclass(frozen=True)
class Calendar:
    """The days of the story, seen from the day it is told."""

    as_of: date

    @cached_property
    def today(self) -> np.datetime64:
        """The day evaluated."""
        return np.datetime64(self.as_of, "D")

    @property
    def now(self) -> np.datetime64:
        """The evening of the day: nothing has happened after it."""
        return self.today.astype("datetime64[s]") + 20 * HOUR

    def month(self, offset: int) -> np.datetime64:
        """First day of the month that is `offset` months away."""
        return (self.today.astype("datetime64[M]") + offset).astype("datetime64[D]")

    @property
    def campaign_starts(self) -> np.datetime64:
        """The campaign runs for three months, the present one being its last."""
        return self.month(-2)

    @property
    def leads_start(self) -> np.datetime64:
        """Leads are kept from here on; older customers came without one."""
        return self.month(-13)

    @property
    def story_starts(self) -> np.datetime64:
        """The oldest customer."""
        return self.month(-23)

    @property
    def last_day(self) -> np.datetime64:
        """The campaign's last day, still to come."""
        return self.month(1) - DAY


class Clock:
    """Draws moments as often as days are busy: few at weekends and in February, many in June and November."""

    MONTHS = np.array([0.85, 0.60, 1.0, 1.0, 1.05, 1.20, 0.95, 0.95, 1.05, 0.90, 1.30, 1.10])
    WEEKDAYS = np.array([1.0, 1.05, 1.0, 1.0, 0.95, 0.40, 0.25])

    def __init__(self, calendar: Calendar, campaign_lift: float = 1.0) -> None:
        self.now = calendar.now
        self.days = np.arange(calendar.story_starts, calendar.today + DAY)
        weekday = (self.days.astype(int) + 3) % 7
        month = self.days.astype("datetime64[M]").astype(int) % 12
        busy = self.MONTHS[month] * self.WEEKDAYS[weekday] * np.linspace(0.8, 1.2, len(self.days))
        busy[self.days >= calendar.campaign_starts] *= campaign_lift
        self.busy_until = np.concatenate([[0.0], np.cumsum(busy)])

    def draw(self, rng: np.random.Generator, since: Moments, until: Moments | np.datetime64) -> Moments:
        """One moment in office hours between each pair, never before `since`."""
        first, last = self._place(since), self._place(np.broadcast_to(until, since.shape))
        point = rng.uniform(self.busy_until[first], self.busy_until[last + 1])
        place = np.clip(np.searchsorted(self.busy_until, point, side="right") - 1, first, last)
        hours = 8.5 + 10.5 * rng.beta(1.6, 1.8, len(since))
        return np.maximum(self.days[place] + _span(hours), since)

    def _place(self, moments: Moments) -> Numbers:
        place = (moments.astype("datetime64[D]") - self.days[0]).astype(int)
        return np.clip(place, 0, len(self.days) - 1)


@dataclass(frozen=True)
class Staff:
    """The people, longest-serving first. One in six is in the control group."""

    team: Numbers
    is_control: Numbers
    role: Numbers
    joined: Moments
    left: Moments
    daily_cost: Numbers
    """In fen."""

    def on_duty(self, rng: np.random.Generator, at: Moments) -> Numbers:
        """Somebody who had joined by each moment."""
        joined = np.searchsorted(self.joined, at.astype("datetime64[D]"), side="right")
        return (rng.random(len(at)) * joined).astype(int)


@dataclass(frozen=True)
class Activities:
    """Expos, webinars, waves of advertising."""

    channel: Numbers
    owner: Numbers
    segment: Numbers
    starts: Moments
    ends: Moments
    expected: Numbers

    def running(self, rng: np.random.Generator, channel: Numbers, at: Moments) -> Numbers:
        """An activity of the channel that ran on the day, for most of those that have one."""
        found = np.full(len(at), NOBODY)
        day = at.astype("datetime64[D]")
        for place, (own, starts, ends) in enumerate(zip(self.channel, self.starts, self.ends, strict=True)):
            found[(channel == own) & (day >= starts) & (day <= ends)] = place
        return np.where(rng.random(len(at)) < 0.8, found, NOBODY)


@dataclass(frozen=True)
class Leads:
    """Leads in the order they came, and the moment each reached a stage."""

    channel: Numbers
    owner: Numbers
    activity: Numbers
    created: Moments
    assigned: Moments
    first_touch: Moments
    qualified: Moments
    met: Moments
    proposed: Moments
    won: Moments
    lost: Moments
    score: Numbers
    expected: Numbers
    """Expected revenue in fen, known once qualified."""

    @property
    def customer(self) -> Numbers:
        """Place among the customers that came from leads: an offer makes a customer."""
        proposed = ~np.isnat(self.proposed)
        return np.where(proposed, np.cumsum(proposed) - 1, NOBODY)

    @property
    def last_stage(self) -> Moments:
        """The latest thing that happened to each."""
        stages = (self.created, self.assigned, self.first_touch, self.qualified, self.met, self.proposed, self.won)
        return np.fmax.reduce(np.stack([*stages, self.lost]))


@dataclass(frozen=True)
class Customers:
    """Old customers first, then those that came from a lead, in the order of the leads."""

    old: int
    channel: Numbers
    owner: Numbers
    tier: Numbers
    created: Moments
    updated: Moments
    buys_from: Moments
    """The first order; NaT for those who only got an offer."""
    referred_by: Numbers


@dataclass(frozen=True)
class Sales:
    """Sales and refunds by time, amounts in fen."""

    customer: Numbers
    at: Moments
    product: Numbers
    amount: Numbers
    refund_of: Numbers
    """Place of the sale a refund gives money back for."""
    paid: Moments
    recorded: Moments

    @property
    def is_refund(self) -> Numbers:
        """Refunds among them."""
        return self.refund_of != NOBODY


@dataclass(frozen=True)
class Interactions:
    """Contacts by time; each is about a lead or with a customer."""

    lead: Numbers
    customer: Numbers
    staff: Numbers
    kind: Numbers
    channel: Numbers
    activity: Numbers
    at: Moments
    answered: Moments
    recorded: Moments


@dataclass(frozen=True)
class Answers:
    """Answers by time. Customers judge the person who looks after them, colleagues each other."""

    response: Numbers
    question: Numbers
    score: Numbers
    """-1 for a comment."""
    by_customer: Numbers
    by_staff: Numbers
    about_staff: Numbers
    at: Moments
    recorded: Moments


@dataclass(frozen=True)
class Expenses:
    """Cost lines by day, amounts in fen."""

    spent: Moments
    category: Numbers
    amount: Numbers
    channel: Numbers
    activity: Numbers
    team: Numbers
    recorded: Moments


@dataclass(frozen=True)
class Tasks:
    """What the people of the campaign were to do, by the day it was due."""

    staff: Numbers
    kind: Numbers
    stage: Numbers
    starts: Moments
    due: Moments
    done: Moments
    planned: Numbers
    finished: Numbers
    problem: Numbers
    departments: Numbers
    reworks: Numbers


@dataclass(frozen=True)
class Budgets:
    """What each team may spend a month, by category and channel, amounts in fen."""

    starts: Moments
    ends: Moments
    category: Numbers
    channel: Numbers
    team: Numbers
    amount: Numbers


@dataclass(frozen=True)
class Exposures:
    """How often advertising was shown, by day, channel and activity; nobody's activity is what is left."""

    day: Moments
    channel: Numbers
    activity: Numbers
    impressions: Numbers
    reach: Numbers
    clicks: Numbers
    visits: Numbers


@dataclass(frozen=True)
class Story:
    """Everything that happened."""

    calendar: Calendar
    staff: Staff
    activities: Activities
    leads: Leads
    customers: Customers
    sales: Sales
    interactions: Interactions
    answers: Answers
    expenses: Expenses
    tasks: Tasks
    budgets: Budgets
    exposures: Exposures


def tell(scale: Scale, calendar: Calendar, streams: Streams) -> Story:
    """Draw the whole company."""
    staff = _hire(streams.of("staff"), calendar, scale)
    activities = _plan_activities(streams.of("campaigns"), calendar, scale, staff)
    leads = _find_leads(streams.of("leads"), calendar, scale, staff, activities)
    customers = _win_customers(streams.of("customers"), calendar, scale, staff, leads)
    sales = _sell(streams.of("orders"), calendar, scale, customers)
    expenses = _spend(streams.of("expenses"), calendar, scale, staff, activities, leads, customers, sales)
    return Story(
        calendar=calendar,
        staff=staff,
        activities=activities,
        leads=leads,
        customers=customers,
        sales=sales,
        interactions=_meet(streams.of("interactions"), calendar, scale, leads, customers),
        answers=_ask(streams.of("answers"), calendar, scale, staff, customers, sales),
        expenses=expenses,
        tasks=_assign(streams.of("tasks"), streams.of("reworks"), calendar, scale, staff),
        budgets=_allow(streams.of("budgets"), calendar, expenses),
        exposures=_show(streams.of("exposures"), calendar, scale, activities),
    )


def _hire(rng: np.random.Generator, calendar: Calendar, scale: Scale) -> Staff:
    """A block of six, the last of them control, joins one team; a quarter joins just before the campaign."""
    number = np.arange(scale.people * 6 // 5)
    newcomers = len(number) // 4
    joined = np.concatenate(
        [
            calendar.story_starts - rng.integers(30, 1_500, len(number) - newcomers) * DAY,
            calendar.campaign_starts - rng.integers(1, 40, newcomers) * DAY,
        ]
    )
    role = rng.choice(6, len(number), p=[0.55, 0.15, 0.08, 0.10, 0.07, 0.05])
    leaves = (rng.random(len(number)) < 0.04) & (number < len(number) - newcomers)
    return Staff(
        team=number // 6 % TEAMS,
        is_control=number % 6 == 5,
        role=role,
        joined=np.sort(joined),
        left=np.where(leaves, calendar.today - rng.integers(3, 60, len(number)) * DAY, np.datetime64("NaT", "D")),
        daily_cost=np.array([540, 500, 920, 580, 760, 680])[role] * 100 + rng.integers(-40, 90, len(number)) * 100,
    )


def _plan_activities(rng: np.random.Generator, calendar: Calendar, scale: Scale, staff: Staff) -> Activities:
    """Three in five within the campaign, some of them still to come."""
    size = scale.activities
    days = (calendar.last_day - calendar.campaign_starts).astype(int)
    earlier = (calendar.campaign_starts - calendar.leads_start).astype(int)
    in_campaign = rng.random(size) < 0.6
    offset = np.where(in_campaign, rng.integers(0, days - 3, size), rng.integers(-earlier, -20, size))
    starts = calendar.campaign_starts + np.sort(offset) * DAY
    channel = rng.choice(len(CHANNELS), size, p=[0.18, 0.1, 0.12, 0.1, 0.2, 0.12, 0.06, 0.08, 0.04])
    return Activities(
        channel=channel,
        owner=staff.on_duty(rng, starts),
        segment=rng.integers(4, size=size),
        starts=starts,
        ends=starts + np.where(channel == EXPO, 3, rng.integers(6, 28, size)) * DAY,
        expected=rng.integers(4, 40, size) * 10,
    )


def _find_leads(
    rng: np.random.Generator, calendar: Calendar, scale: Scale, staff: Staff, activities: Activities
) -> Leads:
    clock = Clock(calendar, campaign_lift=1.8)
    created = np.sort(clock.draw(rng, np.full(scale.leads, calendar.leads_start), calendar.today))
    owner = staff.on_duty(rng, created)
    pushed = (created >= calendar.campaign_starts) & ~staff.is_control[owner]
    channel = _pick_channels(rng, pushed)
    stages = _advance_leads(rng, calendar, created, channel, staff.team[owner], pushed)
    qualified = ~np.isnat(stages["qualified"])
    return Leads(
        channel=channel,
        owner=owner,
        activity=activities.running(rng, channel, created),
        created=created,
        score=np.clip(np.where(qualified, 68, 44) + rng.normal(0, 13, scale.leads), 0, 100).round(1),
        expected=np.where(qualified, rng.lognormal(9.6, 0.7, scale.leads).round(-2) * 100, NOBODY).astype(int),
        **stages,
    )


def _pick_channels(rng: np.random.Generator, pushed: Numbers) -> Numbers:
    before = np.cumsum([channel.share for channel in CHANNELS])
    during = np.cumsum([channel.share_in_campaign for channel in CHANNELS])
    point = rng.random(len(pushed))
    return np.where(pushed, np.searchsorted(during, point), np.searchsorted(before, point))


def _advance_leads(
    rng: np.random.Generator, calendar: Calendar, created: Moments, channel: Numbers, team: Numbers, pushed: Numbers
) -> Block:
    """Stage by stage: so many hours later so many go on, the others are given up some weeks after."""
    skill = TEAM_SKILL[team] * np.where(pushed, 1.10, 1.0)
    pace = np.where(pushed, 0.75, 1.0)
    valid = np.array([story.valid for story in CHANNELS])[channel]
    wins = np.array([story.wins for story in CHANNELS])[channel]
    plan: dict[str, tuple[float, Numbers | float]] = {
        "assigned": (1.2, 1.0),
        "first_touch": (6.5, 0.96),
        "qualified": (50, valid),
        "met": (100, np.minimum(0.60 * skill, 0.95)),
        "proposed": (150, 0.62),
        "won": (230, np.minimum(wins * skill, 0.95)),
    }
    reached = created
    stages: Block = {}
    lost = np.full(len(created), NEVER)
    for stage, (hours, chance) in plan.items():
        goes_on = rng.random(len(created)) < chance
        given_up = reached + _span(rng.gamma(3.0, 24 * 7, len(created)))
        lost = np.where(goes_on | np.isnat(reached) | (given_up > calendar.now), lost, given_up)
        arrives = reached + _span(pace * hours * rng.lognormal(-0.18, 0.6, len(created)))
        reached = np.where(goes_on & (arrives <= calendar.now), arrives, NEVER)
        stages[stage] = reached
    return stages | {"lost": lost}


def _win_customers(rng: np.random.Generator, calendar: Calendar, scale: Scale, staff: Staff, leads: Leads) -> Customers:
    from_leads = np.flatnonzero(leads.customer != NOBODY)
    old = scale.customers - len(from_leads)
    size = scale.customers
    begin = np.sort(Clock(calendar).draw(rng, np.full(old, calendar.story_starts), calendar.leads_start))
    created = np.concatenate([begin, leads.proposed[from_leads]])
    known_for = (calendar.now - created).astype(float)
    channel = np.concatenate([_pick_channels(rng, np.zeros(old, bool)), leads.channel[from_leads]])
    return Customers(
        old=old,
        channel=channel,
        owner=np.concatenate([staff.on_duty(rng, begin), leads.owner[from_leads]]),
        tier=rng.choice(len(TIERS), size, p=TIER_SHARES),
        created=created,
        updated=created + HOUR + (known_for * rng.uniform(0.05, 0.95, size)).astype("timedelta64[s]"),
        buys_from=_first_orders(rng, calendar, begin, leads.won[from_leads]),
        referred_by=np.where(channel == REFERRAL, rng.integers(old, size=size), NOBODY),
    )


def _first_orders(rng: np.random.Generator, calendar: Calendar, begin: Moments, won: Moments) -> Moments:
    """Old customers buy within weeks, won leads within days; one old customer in forty never does."""
    old = begin + _span(rng.gamma(2.0, 150, len(begin)))
    old[rng.random(len(begin)) < 0.025] = NEVER
    new = won + _span(rng.uniform(0.5, 40, len(won)))
    first = np.concatenate([old, new])
    return np.where(first <= calendar.now, first, NEVER)


def _sell(rng: np.random.Generator, calendar: Calendar, scale: Scale, customers: Customers) -> Sales:
    """Everybody has a usual order; one in forty is a whole project, five times as large."""
    buyer, at = _buy(rng, calendar, round(scale.orders * 0.97), customers)
    order = np.argsort(at, kind="stable")
    buyer, at = buyer[order], at[order]
    usual = USUAL_ORDER[customers.tier] * rng.lognormal(0, 0.6, len(customers.tier))
    is_project = rng.random(len(buyer)) < 0.025
    fen = usual[buyer] * rng.lognormal(-0.1, 0.45, len(buyer)) * np.where(is_project, 500, 100)
    product = rng.choice(8, len(buyer), p=[0.18, 0.12, 0.16, 0.18, 0.08, 0.08, 0.12, 0.08])
    sold = _paid({"customer": buyer, "at": at, "product": product, "amount": np.rint(fen).astype(int)}, rng, calendar)
    back = _give_back(rng, calendar, sold, scale.orders - len(buyer))
    return Sales(**_in_order(_stack([sold | {"refund_of": np.full(len(buyer), NOBODY)}, back]), calendar, rng))


def _buy(rng: np.random.Generator, calendar: Calendar, size: int, customers: Customers) -> tuple[Numbers, Moments]:
    """Every buyer's first order, the rest shared out by tier and by how long each stays; key accounts start fast."""
    buyers = np.flatnonzero(~np.isnat(customers.buys_from))
    first, tier = customers.buys_from[buyers], customers.tier[buyers]
    stays = (rng.random(len(buyers)) > 0.35) | (buyers >= customers.old)
    until = np.where(stays, calendar.now, first + (calendar.now - first) * rng.beta(1.2, 1.6, len(buyers)))
    months = (until - first).astype(float) / (30 * 86_400)
    appetite = ORDERS_A_MONTH[tier] * (months + 0.1) * rng.gamma(3.0, 1 / 3, len(buyers))
    appetite[(tier == 0) & (first >= calendar.campaign_starts)] *= 3.0
    again = rng.choice(len(buyers), size - len(buyers), p=appetite / appetite.sum())
    at = Clock(calendar).draw(rng, first[again], until[again])
    return np.concatenate([buyers, buyers[again]]), np.concatenate([first, at])


def _paid(sold: Block, rng: np.random.Generator, calendar: Calendar) -> Block:
    """When the money comes: within weeks, not yet for the latest."""
    paid = (sold["at"] + _span(rng.gamma(1.5, 24 * 9, len(sold["at"])))).astype("datetime64[D]")
    return sold | {"paid": np.where(paid <= calendar.today, paid, np.datetime64("NaT", "D"))}


def _give_back(rng: np.random.Generator, calendar: Calendar, sold: Block, size: int) -> Block:
    """Refunds of different sales, three in five in full, a third of them booked with a plus sign."""
    settled = np.flatnonzero(sold["at"] < calendar.now - 30 * DAY)
    place = rng.choice(settled, size, replace=False)
    share = np.where(rng.random(size) < 0.6, 1.0, rng.uniform(0.2, 0.8, size))
    sign = np.where(rng.random(size) < 0.33, 1, -1)
    at = sold["at"][place] + _span(rng.uniform(30, 600, size))
    return {
        "customer": sold["customer"][place],
        "at": at,
        "product": sold["product"][place],
        "amount": (sold["amount"][place] * share).round().astype(int) * sign,
        "paid": at.astype("datetime64[D]"),
        "refund_of": place,
    }


def _in_order(sales: Block, calendar: Calendar, rng: np.random.Generator) -> Block:
    """By time; refunds follow the sales they refer to."""
    order = np.argsort(sales["at"], kind="stable")
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    refund_of = np.where(sales["refund_of"] == NOBODY, NOBODY, place[sales["refund_of"]])
    sorted_sales = {name: column[order] for name, column in (sales | {"refund_of": refund_of}).items()}
    recorded = sorted_sales["at"] + _span(rng.uniform(0.2, 20, len(order)))
    return sorted_sales | {"recorded": np.minimum(recorded, calendar.now + HOUR)}


def _meet(
    rng: np.random.Generator, calendar: Calendar, scale: Scale, leads: Leads, customers: Customers
) -> Interactions:
    about = rng.choice(len(leads.created), round(scale.interactions * 0.62))
    until = np.minimum(leads.last_stage[about] + 5 * DAY, calendar.now)
    clock = Clock(calendar, campaign_lift=1.2)
    with_leads = {
        "lead": about,
        "customer": np.where(leads.customer[about] == NOBODY, NOBODY, leads.customer[about] + customers.old),
        "staff": leads.owner[about],
        "kind": _pick_kinds(rng, LEAD_KINDS, len(about)),
        "channel": leads.channel[about],
        "activity": leads.activity[about],
        "at": clock.draw(rng, leads.created[about], until),
    }
    who = rng.choice(len(customers.created), scale.interactions - len(about))
    since = np.maximum(customers.created[who], calendar.leads_start.astype("datetime64[s]"))
    nothing = np.full(len(who), NOBODY)
    with_customers = {
        "lead": nothing,
        "customer": who,
        "staff": customers.owner[who],
        "kind": _pick_kinds(rng, CUSTOMER_KINDS, len(who)),
        "channel": nothing,
        "activity": nothing,
        "at": clock.draw(rng, since, calendar.now),
    }
    contacts = _by_time(_stack([with_leads, with_customers]))
    return Interactions(**contacts, **_respond(rng, calendar, contacts["kind"], contacts["at"]))


def _pick_kinds(rng: np.random.Generator, shares: dict[str, float], size: int) -> Numbers:
    places = np.array([KINDS.index(kind) for kind in shares])
    return places[rng.choice(len(places), size, p=list(shares.values()))]


def _respond(rng: np.random.Generator, calendar: Calendar, kind: Numbers, at: Moments) -> Block:
    """Questions and complaints are answered in hours, faster since the campaign; entered the same day."""
    waits = np.isin(kind, [KINDS.index(name) for name in ANSWERED_KINDS])
    hours = rng.lognormal(1.2, 0.8, len(at)) * np.where(at >= calendar.campaign_starts, 0.8, 1.0)
    answered = at + _span(hours)
    return {
        "answered": np.where(waits & (answered <= calendar.now), answered, NEVER),
        "recorded": at + _span(rng.uniform(0.1, 6, len(at))),
    }


def _ask(
    rng: np.random.Generator, calendar: Calendar, scale: Scale, staff: Staff, customers: Customers, sales: Sales
) -> Answers:
    """Colleagues are asked in two rounds, customers after an order: satisfaction, recommendation, some a comment."""
    colleagues = _ask_colleagues(rng, calendar, staff)
    buyers = _ask_buyers(rng, calendar, staff, customers, sales, scale.answers - len(colleagues["at"]))
    buyers["response"] = buyers["response"] + colleagues["response"].max() + 1
    answers = _by_time(_stack([colleagues, buyers]))
    return Answers(**answers, recorded=answers["at"] + _span(rng.uniform(0.02, 3, len(answers["at"]))))


def _ask_colleagues(rng: np.random.Generator, calendar: Calendar, staff: Staff) -> Block:
    """Each judges three others on working together, and the campaign on one item."""
    size = len(staff.team)
    judge = np.tile(np.repeat(np.arange(size), 4), 2)
    in_campaign = np.repeat([False, True], size * 4)
    likert = np.tile([False, False, False, True], size * 2)
    about = (judge + rng.integers(1, size, len(judge))) % size
    round_starts = np.where(in_campaign, calendar.campaign_starts + 40 * DAY, calendar.campaign_starts - 40 * DAY)
    mean = 3.95 + np.where(in_campaign, 0.30, 0.0) - np.where(staff.team[about] == 3, 0.35, 0.0)
    keep = round_starts >= staff.joined[judge]
    answers = {
        "response": judge + np.where(in_campaign, size, 0),
        "question": np.where(likert, QUESTIONS.index("likert"), QUESTIONS.index("peer")),
        "score": _scores(rng, mean, 0.8, SCALES["peer"]),
        "by_customer": np.full(len(judge), NOBODY),
        "by_staff": judge,
        "about_staff": np.where(likert, NOBODY, about),
        "at": round_starts + _span(rng.uniform(9, 7 * 24, len(judge))),
    }
    return {name: column[keep] for name, column in answers.items()}


def _ask_buyers(
    rng: np.random.Generator, calendar: Calendar, staff: Staff, customers: Customers, sales: Sales, size: int
) -> Block:
    recent = np.flatnonzero(
        ~sales.is_refund & (sales.at >= calendar.leads_start) & (sales.at < calendar.now - 11 * DAY)
    )
    order = rng.choice(recent, round(size / 2.25))
    response = np.concatenate([np.arange(len(order)), np.arange(len(order)), np.arange(size - 2 * len(order))])
    question = np.repeat([0, 1, 2], [len(order), len(order), size - 2 * len(order)])
    who = sales.customer[order]
    owner = customers.owner[who]
    at = sales.at[order] + _span(rng.uniform(3 * 24, 10 * 24, len(order)))
    content = _contentment(rng, staff.team[owner], at >= calendar.campaign_starts)
    csat = _scores(rng, 4.6 + 1.1 * content, 0.35, SCALES["csat"])
    nps = _scores(rng, 8.7 + 2.2 * content, 0.9, SCALES["nps"])
    return {
        "response": response,
        "question": question,
        "score": np.where(question == 0, csat[response], np.where(question == 1, nps[response], NOBODY)),
        "by_customer": who[response],
        "by_staff": np.full(len(response), NOBODY),
        "about_staff": owner[response],
        "at": at[response] + question * 40 * np.timedelta64(1, "s"),
    }


def _contentment(rng: np.random.Generator, team: Numbers, in_campaign: Numbers) -> Numbers:
    """How content a customer is, around 0: less so with the lagging team, a little more since the campaign."""
    return rng.normal(0, 1, len(team)) - np.where(team == 3, 0.5, 0.0) + np.where(in_campaign, 0.1, 0.0)


def _scores(rng: np.random.Generator, mean: Numbers, spread: float, scale: tuple[int, int]) -> Numbers:
    return np.clip(np.rint(rng.normal(mean, spread)), *scale).astype(int)


def _spend(
    rng: np.random.Generator,
    calendar: Calendar,
    scale: Scale,
    staff: Staff,
    activities: Activities,
    leads: Leads,
    customers: Customers,
    sales: Sales,
) -> Expenses:
    bills = [
        _wages(calendar, staff),
        _media(rng, scale, staff, leads),
        _event_costs(rng, scale, staff, activities),
        _commissions(calendar, staff, leads),
        _travel(rng, scale, staff, leads),
    ]
    costs = _stack(bills)
    happened = costs["spent"] <= calendar.today
    costs = {name: column[happened] for name, column in costs.items()}
    costs = {name: column[np.argsort(costs["spent"], kind="stable")] for name, column in costs.items()}
    recorded = costs["spent"] + rng.integers(1, 6, len(costs["spent"])) * DAY
    return Expenses(**costs, recorded=recorded)


def _bill(category: str, spent: Moments, amount: Numbers, **place: Numbers) -> Block:
    """Cost lines of one category; where channel, activity or team is not given, there is none."""
    nothing = np.full(len(spent), NOBODY)
    return {
        "spent": spent.astype("datetime64[D]"),
        "category": np.full(len(spent), CATEGORIES.index(category)),
        "amount": np.rint(amount).astype(int),
        "channel": place.get("channel", nothing),
        "activity": place.get("activity", nothing),
        "team": place.get("team", nothing),
    }


def _wages(calendar: Calendar, staff: Staff) -> Block:
    """Five days' cost of each team's people, every Friday; the control group is not the campaign's."""
    days = np.arange(calendar.leads_start, calendar.today + DAY)
    fridays = days[(days.astype(int) + 3) % 7 == 4]
    spent, team = np.repeat(fridays, TEAMS), np.tile(np.arange(TEAMS), len(fridays))
    gone = np.where(np.isnat(staff.left), calendar.last_day, staff.left)
    employed = (staff.joined[:, None] <= fridays) & (gone[:, None] >= fridays) & ~staff.is_control[:, None]
    by_team = [(staff.daily_cost[:, None] * employed)[staff.team == number].sum(axis=0) * 5 for number in range(TEAMS)]
    return _bill("labour", spent, np.stack(by_team, axis=1).ravel(), team=team)


def _media(rng: np.random.Generator, scale: Scale, staff: Staff, leads: Leads) -> Block:
    """Advertising follows the leads: each bill stands for those around one of them."""
    lead = np.sort(rng.choice(len(leads.created), scale.media_bills, replace=False))
    cost = np.array([story.cost_per_lead for story in CHANNELS])[leads.channel[lead]]
    amount = cost * 100 * len(leads.created) / scale.media_bills * rng.gamma(9, 1 / 9, len(lead))
    paid = cost > 0
    bills = _bill(
        "media",
        leads.created[lead],
        amount,
        channel=leads.channel[lead],
        activity=leads.activity[lead],
        team=staff.team[leads.owner[lead]],
    )
    return {name: column[paid] for name, column in bills.items()}


def _event_costs(rng: np.random.Generator, scale: Scale, staff: Staff, activities: Activities) -> Block:
    """Hall, catering and print for every activity, at its start; an expo costs five times a webinar."""
    usual = np.array([2_500, 0, 1_500, 0, 3_000, 6_500, 5_000, 16_000, 1_000])[activities.channel]
    lines = np.tile(np.arange(len(usual)), 3)
    amount = usual[lines] * 60 * rng.lognormal(0, 0.3, len(lines)) * scale.people / scale.activities
    where = {"channel": activities.channel[lines], "activity": lines, "team": staff.team[activities.owner[lines]]}
    events = _bill("event", activities.starts[lines], amount, **where)
    events["category"][: len(usual)] = CATEGORIES.index("material")
    return {name: column[amount > 0] for name, column in events.items()}


def _commissions(calendar: Calendar, staff: Staff, leads: Leads) -> Block:
    """Partners get 6 % of the expected revenue of a lead that is won, whoever recommends a customer 200 yuan."""
    won = np.flatnonzero(~np.isnat(leads.won) & np.isin(leads.channel, [PARTNER, REFERRAL]))
    channel = leads.channel[won]
    amount = np.where(channel == PARTNER, leads.expected[won] * 0.06, 200 * 100)
    return _bill("commission", leads.won[won] + 10 * DAY, amount, channel=channel, team=staff.team[leads.owner[won]])


def _travel(rng: np.random.Generator, scale: Scale, staff: Staff, leads: Leads) -> Block:
    """Trips to meetings, one in twelve billed."""
    met = np.flatnonzero(~np.isnat(leads.met))
    met = met[rng.random(len(met)) < 1 / 12]
    return _bill("other", leads.met[met], rng.gamma(4, 9_000, len(met)), team=staff.team[leads.owner[met]])


def _assign(
    rng: np.random.Generator, checked: np.random.Generator, calendar: Calendar, scale: Scale, staff: Staff
) -> Tasks:
    """Four tasks a head: four in five done in time, some late with a reason, some not yet."""
    size = scale.people * 4
    days = (calendar.last_day - calendar.campaign_starts).astype(int)
    starts = calendar.campaign_starts + np.sort(rng.integers(0, days - 5, size)) * DAY
    due = np.minimum(starts + rng.integers(3, 22, size) * DAY, calendar.last_day)
    is_late = rng.random(size) < 0.2
    done = due + np.where(is_late, rng.integers(1, 9, size), -rng.integers(0, 3, size)) * DAY
    done = np.where(done <= calendar.today, done, np.datetime64("NaT", "D"))
    planned = rng.integers(4, 60, size)
    share = np.where(np.isnat(done), rng.uniform(0, 0.8, size), np.where(is_late, rng.uniform(0.5, 1, size), 1.0))
    begun = starts <= calendar.today
    return Tasks(
        staff=staff.on_duty(rng, starts),
        kind=rng.integers(5, size=size),
        stage=np.minimum((starts - calendar.campaign_starts).astype(int) * 3 // days, 2),
        starts=starts,
        due=due,
        done=done,
        planned=planned,
        finished=np.where(begun, np.floor(planned * share), 0).astype(int),
        problem=np.where(begun & is_late, rng.integers(4, size=size), NOBODY),
        departments=rng.integers(4, size=size),
        reworks=_check(checked, done, is_late),
    )


def _check(rng: np.random.Generator, done: Moments, is_late: Numbers) -> Numbers:
    """How often what was done was sent back, late work more often; of one in ten nobody wrote it down."""
    sent_back = rng.poisson(np.where(is_late, 0.45, 0.12))
    return np.where(~np.isnat(done) & (rng.random(len(done)) < 0.9), sent_back, NOBODY)


def _allow(rng: np.random.Generator, calendar: Calendar, expenses: Expenses) -> Budgets:
    """A line for whatever a team spends in a month of the campaign: enough for most, too little for some.

    A running month is expected to go on as it began.
    """
    spent = expenses.spent >= calendar.campaign_starts
    month = expenses.spent[spent].astype("datetime64[M]")
    parts = [part[spent] for part in (expenses.category, expenses.channel, expenses.team)]
    lines, place = np.unique(np.stack([month.astype(int), *parts]), axis=1, return_inverse=True)
    actual = np.bincount(place.ravel(), expenses.amount[spent], lines.shape[1])
    months = lines[0].astype("datetime64[M]")
    starts, next_starts = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]")
    actual = actual * ((next_starts - starts) / (np.minimum(next_starts, calendar.today + DAY) - starts))
    thousand = 1_000 * 100
    return Budgets(
        starts=starts,
        ends=next_starts - DAY,
        category=lines[1],
        channel=lines[2],
        team=lines[3],
        amount=(np.ceil(actual * rng.uniform(0.85, 1.35, len(actual)) / thousand) * thousand).astype(int),
    )


def _show(rng: np.random.Generator, calendar: Calendar, scale: Scale, activities: Activities) -> Exposures:
    """Each day of each channel that is advertising, and each day of each of its activities."""
    days = np.arange(calendar.month(-5), calendar.today + DAY)
    shown = np.arange(5)
    lines = [(np.repeat(days, len(shown)), np.tile(shown, len(days)), np.full(len(days) * len(shown), NOBODY))]
    for place in np.flatnonzero(np.isin(activities.channel, shown)):
        own = days[(days >= activities.starts[place]) & (days <= activities.ends[place])]
        lines.append((own, np.full(len(own), activities.channel[place]), np.full(len(own), place)))
    day, channel, activity = (np.concatenate(part) for part in zip(*lines, strict=True))
    order = np.lexsort((activity, channel, day))
    day, channel, activity = day[order], channel[order], activity[order]
    usual = np.array([9_000, 4_000, 2_500, 12_000, 1_200])[channel] * np.where(activity == NOBODY, 1.0, 0.4)
    impressions = np.rint(usual * scale.leads / 6_000 * rng.lognormal(0, 0.35, len(day))).astype(int)
    clicks = rng.binomial(impressions, np.array([0.021, 0.045, 0.03, 0.008, 0.06])[channel])
    return Exposures(
        day=day,
        channel=channel,
        activity=activity,
        impressions=impressions,
        reach=rng.binomial(impressions, 0.7),
        clicks=clicks,
        visits=rng.binomial(clicks, 0.8),
    )


def _span(hours: Numbers) -> Numbers:
    return np.rint(hours * 3_600).astype("timedelta64[s]")


def _stack(blocks: Sequence[Block]) -> Block:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _by_time(block: Block) -> Block:
    order = np.argsort(block["at"], kind="stable")
    return {name: column[order] for name, column in block.items()}
