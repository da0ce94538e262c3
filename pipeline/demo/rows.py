"""The demo's tables as text: canonical names and values, an empty text where there is nothing.

Here a place becomes an id, an amount in fen becomes yuan, and customers get the names of `words.yaml`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.demo.story import (
    ANSWERED_KINDS,
    CATEGORIES,
    CHANNELS,
    KINDS,
    NOBODY,
    QUESTIONS,
    SCALES,
    TIERS,
    Customers,
    Moments,
    Numbers,
    Story,
    Streams,
)

Texts = pa.Array
Rows = dict[str, Texts]
"""Column name -> its cells."""
Words = dict[str, Any]

CHANNEL_IDS = [channel.id for channel in CHANNELS]
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
MOBILE_PREFIXES = ["133", "135", "136", "138", "139", "150", "152", "158", "159", "177", "180", "186", "188", "199"]
ITEMS = ["总体满意度", "愿意推荐给同行吗", "还想告诉我们什么", "协作配合", "对行动的支持感到满意"]
SURVEYS = ["AFTER-SALE", "AFTER-SALE", "AFTER-SALE", "PEER-360", "TEAM-PULSE"]


@dataclass(frozen=True)
class Parties:
    """Whoever may buy: the old customers, then one per lead. Nobody real."""

    name: Texts
    contact: Texts
    phone: Texts
    email: Texts
    region: Texts
    address: Texts
    credit_code: Texts
    is_company: Numbers


def write_rows(story: Story, words: Words, streams: Streams) -> dict[str, Rows]:
    """Every canonical table."""
    parties = _invent_parties(story, words, streams.of("parties"))
    old, from_lead = story.customers.old, _leads_of(story)
    as_leads = old + np.arange(len(story.leads.created))
    as_customers = np.where(from_lead == NOBODY, np.arange(len(from_lead)), old + from_lead)
    return {
        "staff": _staff_rows(story, words, streams.of("staff rows")),
        "campaigns": _activity_rows(story, words),
        "customers": _customer_rows(story, words, parties, as_customers, streams.of("customer rows")),
        "leads": _lead_rows(story, words, parties, as_leads, streams.of("lead rows")),
        "interactions": _interaction_rows(story, words, streams.of("interaction rows")),
        "orders": _order_rows(story, words),
        "expenses": _expense_rows(story, words, streams.of("expense rows")),
        "answers": _answer_rows(story, words, streams.of("answer rows")),
        "tasks": _task_rows(story, words),
        "budgets": _budget_rows(story),
        "exposures": _exposure_rows(story),
        "benchmarks": _benchmark_rows(words, streams.of("benchmark rows")),
    }


def _invent_parties(story: Story, words: Words, rng: np.random.Generator) -> Parties:
    owner = np.concatenate([story.customers.owner[: story.customers.old], story.leads.owner])
    size = len(owner)
    is_company = rng.random(size) < 0.7
    city = story.staff.team[owner] * 4 + rng.integers(4, size=size)
    province, town, area, division = zip(*(city for team in words["teams"] for city in team["cities"]), strict=True)
    contact = _people(rng, words, size)
    number = np.arange(size)
    mailbox = _join("user", _digits(number, 5), "@", _pick(rng, ["mail.example", "example.com"], size))
    return Parties(
        name=pc.if_else(is_company, _companies(rng, words, _take(town, city)), contact),
        contact=contact,
        phone=_phones(rng, number, is_company, _take(area, city)),
        email=_keep(rng.random(size) < 0.55, mailbox),
        region=_join(_take(province, city), "-", _take(town, city)),
        address=_addresses(rng, words, _join(_take(province, city), _take(town, city)), size),
        credit_code=_keep(is_company & (rng.random(size) < 0.9), _credit_codes(np.array(division)[city], number)),
        is_company=is_company,
    )


def _people(rng: np.random.Generator, words: Words, size: int) -> Texts:
    chinese = _join(_pick(rng, words["surnames"], size), _pick(rng, words["given_names"], size))
    english = _join(_pick(rng, words["english_given"], size), " ", _pick(rng, words["english_surnames"], size))
    return pc.if_else(rng.random(size) < 0.06, english, chinese)


def _companies(rng: np.random.Generator, words: Words, town: Texts) -> Texts:
    size = len(town)
    brand = _join(_pick(rng, words["brand_first"], size), _pick(rng, words["brand_second"], size))
    chinese = _join(town, brand, _pick(rng, words["sectors"], size), "有限公司")
    trade = _join(_pick(rng, words["english_brands"], size), " ", _pick(rng, words["english_sectors"], size))
    return pc.if_else(rng.random(size) < 0.08, _join(trade, ", Ltd."), chinese)


def _phones(rng: np.random.Generator, number: Numbers, is_company: Numbers, area: Texts) -> Texts:
    """A number nobody else has: the last eight digits are the party's own. Some companies have a landline."""
    own = _digits((number * 58_213_417 + 47_105_326) % 10**8, 8)
    landline = is_company & (rng.random(len(number)) < 0.12)
    return pc.if_else(landline, _join(area, "-", own), _join(_pick(rng, MOBILE_PREFIXES, len(number)), own))


def _addresses(rng: np.random.Generator, words: Words, city: Texts, size: int) -> Texts:
    house = _digits(rng.integers(1, 999, size), 1)
    room = _digits(rng.integers(101, 2_999, size), 1)
    street = _join(city, "市", _pick(rng, words["roads"], size), house, "号")
    written = pc.if_else(rng.random(size) < 0.3, _join(street, ", ", room, "室"), street)
    return _keep(rng.random(size) < 0.93, written)


def _credit_codes(division: Numbers, number: Numbers) -> Texts:
    """Unified social credit codes with a right check character (GB 32100-2015)."""
    body = 91 * 10**15 + division * 10**9 + (number * 387_654_321 + 100_000_007) % 10**9
    digits = body[:, None] // 10 ** np.arange(16, -1, -1) % 10
    weights = np.array([pow(3, place, 31) for place in range(17)])
    return _join(_digits(body, 17), _take(list(CREDIT_ALPHABET), -(digits @ weights) % 31))


def _staff_rows(story: Story, words: Words, rng: np.random.Generator) -> Rows:
    staff = story.staff
    size = len(staff.team)
    return {
        "staff_id": _ids("E", np.arange(size)),
        "name": _people(rng, words, size),
        "role": _take(words["roles"], staff.role),
        "team_id": _ids("T", staff.team, 2),
        "team_name": _take([team["name"] for team in words["teams"]], staff.team),
        "region": _take([team["region"] for team in words["teams"]], staff.team),
        "joined_on": _text(staff.joined),
        "left_on": _text(staff.left),
        "daily_cost_amount": _money(staff.daily_cost),
        "is_control": _take(["false", "true"], staff.is_control.astype(int)),
    }


def _activity_rows(story: Story, words: Words) -> Rows:
    activities = story.activities
    kind = _take(words["activities"], activities.channel)
    region = _take([team["region"] for team in words["teams"]], story.staff.team[activities.owner])
    month = pc.utf8_slice_codeunits(_text(activities.starts), 0, 7)
    return {
        "campaign_id": _ids("A", np.arange(len(activities.channel)), 4),
        "name": _join(month, " ", kind, "（", region, "）"),
        "kind": kind,
        "channel": _take(CHANNEL_IDS, activities.channel),
        "segment": _take(words["segments"], activities.segment),
        "owner_id": _ids("E", activities.owner),
        "starts_on": _text(activities.starts),
        "ends_on": _text(activities.ends),
        "expected_participants": _digits(activities.expected, 1),
    }


def _customer_rows(story: Story, words: Words, parties: Parties, who: Numbers, rng: np.random.Generator) -> Rows:
    customers = story.customers
    size = len(who)
    is_company = parties.is_company[who]
    gender = pc.if_else(rng.random(size) < 0.5, "female", "male")
    return {
        "customer_id": _ids("C", np.arange(size)),
        "name": parties.name.take(pa.array(who)),
        "kind": pc.if_else(is_company, "company", "person"),
        "phone": parties.phone.take(pa.array(who)),
        "email": parties.email.take(pa.array(who)),
        "address": parties.address.take(pa.array(who)),
        "region": parties.region.take(pa.array(who)),
        "industry": _keep(is_company, _pick(rng, words["industries"], size)),
        "company_size": _keep(is_company, _pick(rng, words["company_sizes"], size)),
        "credit_code": parties.credit_code.take(pa.array(who)),
        "birth_year": _keep(~is_company, _digits(rng.integers(1956, 2004, size), 4)),
        "gender": _keep(~is_company & (rng.random(size) < 0.9), gender),
        "demand_tag": _pick(rng, words["demand_tags"], size),
        "decision_role": _decision_roles(words["decision_roles"], is_company, who),
        "source_channel": _take(CHANNEL_IDS, customers.channel),
        "grade": _grades(rng, customers),
        "referred_by": _ids("C", customers.referred_by),
        "owner_id": _ids("E", customers.owner),
        "created_at": _text(customers.created),
        "updated_at": _text(customers.updated),
    }


def _decision_roles(roles: Sequence[str], is_company: Numbers, who: Numbers) -> Texts:
    """Of two companies in three what the contact has to say there."""
    return _keep(is_company & (who % 3 > 0), _take(roles, who // 3 % len(roles)))


def _grades(rng: np.random.Generator, customers: Customers) -> Texts:
    """Sales' own opinion: mostly A for key accounts, B for regular ones, C for the rest."""
    opinion = np.clip(customers.tier + rng.choice(3, len(customers.tier), p=[0.1, 0.75, 0.15]) - 1, 0, len(TIERS) - 1)
    return _take(["A", "B", "C"], opinion)


def _lead_rows(story: Story, words: Words, parties: Parties, who: Numbers, rng: np.random.Generator) -> Rows:
    leads = story.leads
    size = len(who)
    customer = np.where(leads.customer == NOBODY, NOBODY, leads.customer + story.customers.old)
    name = parties.name.take(pa.array(who))
    product = _pick(rng, [name for name, _, _ in words["products"]], size)
    has_amount = leads.expected != NOBODY
    return {
        "lead_id": _ids("L", np.arange(size)),
        "customer_id": _ids("C", customer),
        "name": parties.contact.take(pa.array(who)),
        "phone": _keep(rng.random(size) < 0.96, parties.phone.take(pa.array(who))),
        "email": parties.email.take(pa.array(who)),
        "company": _keep(parties.is_company[who], name),
        "product": _keep(rng.random(size) < 0.9, product),
        "demand_tag": _keep(rng.random(size) < 0.94, _pick(rng, words["demand_tags"], size)),
        "channel": _take(CHANNEL_IDS, leads.channel),
        "campaign_id": _ids("A", leads.activity, 4),
        "owner_id": _ids("E", leads.owner),
        "created_at": _text(leads.created),
        "assigned_at": _text(leads.assigned),
        "first_touch_at": _text(leads.first_touch),
        "qualified_at": _text(leads.qualified),
        "met_at": _text(leads.met),
        "proposed_at": _text(leads.proposed),
        "won_at": _text(leads.won),
        "lost_at": _text(leads.lost),
        "lost_reason": _keep(~np.isnat(leads.lost), _pick(rng, words["lost_reasons"], size)),
        "score": _keep(rng.random(size) < 0.97, pa.array(leads.score).cast(pa.string())),
        "expected_amount": _keep(has_amount, _money(np.maximum(leads.expected, 0))),
        "currency": _keep(has_amount, _repeat("CNY", size)),
    }


def _interaction_rows(story: Story, words: Words, rng: np.random.Generator) -> Rows:
    contacts = story.interactions
    size = len(contacts.at)
    spoken = np.isin(contacts.kind, [KINDS.index(kind) for kind in ("call", "visit", *ANSWERED_KINDS)])
    return {
        "interaction_id": _ids("I", np.arange(size), 8),
        "customer_id": _ids("C", contacts.customer),
        "lead_id": _ids("L", contacts.lead),
        "staff_id": _ids("E", contacts.staff),
        "kind": _take(KINDS, contacts.kind),
        "channel": _take(CHANNEL_IDS, contacts.channel),
        "campaign_id": _ids("A", contacts.activity, 4),
        "occurred_at": _text(contacts.at),
        "answered_at": _text(contacts.answered),
        "outcome": _keep(spoken, _pick(rng, words["outcomes"], size)),
        "recorded_at": _text(contacts.recorded),
    }


def _order_rows(story: Story, words: Words) -> Rows:
    sales = story.sales
    name, category, cost_share = zip(*words["products"], strict=True)
    cost = np.rint(sales.amount * np.array(cost_share)[sales.product]).astype(int)
    is_first = ~sales.is_refund & (sales.at == story.customers.buys_from[sales.customer])
    return {
        "order_id": _ids("SO", np.arange(len(sales.at)), 8),
        "customer_id": _ids("C", sales.customer),
        "ordered_at": _text(sales.at),
        "amount": _money(sales.amount),
        "cost_amount": _keep(~sales.is_refund, _money(cost)),
        "currency": _repeat("CNY", len(sales.at)),
        "kind": pc.if_else(sales.is_refund, "refund", "sale"),
        "refund_of": _ids("SO", sales.refund_of, 8),
        "lead_id": _ids("L", np.where(is_first, _leads_of(story)[sales.customer], NOBODY)),
        "staff_id": _ids("E", story.customers.owner[sales.customer]),
        "product": _take(name, sales.product),
        "category": _take(category, sales.product),
        "paid_on": _text(sales.paid),
        "recorded_at": _text(sales.recorded),
    }


def _leads_of(story: Story) -> Numbers:
    """The lead each customer came from."""
    leads = np.flatnonzero(story.leads.customer != NOBODY)
    return np.concatenate([np.full(story.customers.old, NOBODY), leads])


def _expense_rows(story: Story, words: Words, rng: np.random.Generator) -> Rows:
    expenses = story.expenses
    size = len(expenses.spent)
    return {
        "expense_id": _ids("V", np.arange(size)),
        "spent_on": _text(expenses.spent),
        "amount": _money(expenses.amount),
        "currency": _repeat("CNY", size),
        "category": _take(CATEGORIES, expenses.category),
        "channel": _take(CHANNEL_IDS, expenses.channel),
        "campaign_id": _ids("A", expenses.activity, 4),
        "team_id": _ids("T", expenses.team, 2),
        "note": _keep(rng.random(size) < 0.4, _pick(rng, words["expense_notes"], size)),
        "recorded_on": _text(expenses.recorded),
    }


def _answer_rows(story: Story, words: Words, rng: np.random.Generator) -> Rows:
    answers = story.answers
    size = len(answers.at)
    scored = answers.score != NOBODY
    from_customer = answers.by_customer != NOBODY
    least, most = zip(*(SCALES.get(question, (0, 0)) for question in QUESTIONS), strict=True)
    channel = np.where(from_customer, story.customers.channel[answers.by_customer], NOBODY)
    customer, staff = _ids("C", answers.by_customer), _ids("E", answers.by_staff)
    return {
        "answer_id": _ids("Q", np.arange(size), 8),
        "response_id": _ids("R", answers.response),
        "survey_id": _take(SURVEYS, answers.question),
        "kind": _take(QUESTIONS, answers.question),
        "item": _take(ITEMS, answers.question),
        "score": _keep(scored, _digits(np.maximum(answers.score, 0), 1)),
        "scale_min": _keep(scored, _digits(np.array(least)[answers.question], 1)),
        "scale_max": _keep(scored, _digits(np.array(most)[answers.question], 1)),
        "text": _keep(~scored, _pick(rng, words["comments"], size)),
        "respondent_kind": pc.if_else(from_customer, "customer", "staff"),
        "respondent_id": pc.if_else(from_customer, customer, staff),
        "about_kind": _keep(answers.about_staff != NOBODY, _repeat("staff", size)),
        "about_id": _ids("E", answers.about_staff),
        "channel": _take(CHANNEL_IDS, channel),
        "answered_at": _text(answers.at),
        "recorded_at": _text(answers.recorded),
    }


def _task_rows(story: Story, words: Words) -> Rows:
    tasks = story.tasks
    problem, measure = zip(*words["task_problems"], strict=True)
    kind = _take(words["task_kinds"], tasks.kind)
    is_open = np.isnat(tasks.done)
    number = np.arange(len(tasks.due))
    return {
        "task_id": _ids("J", number),
        "name": _join(kind, " ", pc.utf8_slice_codeunits(_text(tasks.starts), 5, 10)),
        "stage": _take(words["task_stages"], tasks.stage),
        "staff_id": _ids("E", tasks.staff),
        "accountable_id": _keep(number % 20 != 0, _ids("E", _leads_of_teams(story)[tasks.staff])),
        "consulted": _take(words["consulted"], tasks.kind),
        "informed": _take(words["informed"], tasks.stage),
        "team_id": _ids("T", story.staff.team[tasks.staff], 2),
        "kind": kind,
        "starts_on": _text(tasks.starts),
        "due_on": _text(tasks.due),
        "done_on": _text(tasks.done),
        "planned_quantity": _digits(tasks.planned, 1),
        "done_quantity": _digits(tasks.finished, 1),
        "problem": _take(problem, tasks.problem),
        "measure": _take(measure, tasks.problem),
        "next_step": _keep(is_open, _next_steps(story, words)),
        "departments": _take(words["departments"], tasks.departments),
        "reworks": _keep(tasks.reworks != NOBODY, _digits(tasks.reworks, 1)),
    }


def _leads_of_teams(story: Story) -> Numbers:
    """Who leads the team of each member of staff: the longest-serving of it."""
    _, first, team = np.unique(story.staff.team, return_index=True, return_inverse=True)
    return first[team]


def _next_steps(story: Story, words: Words) -> Texts:
    """What comes next; every other one says how much is left, and every tenth of these forgot one (I54)."""
    tasks = story.tasks
    number = np.arange(len(tasks.due))
    left = np.maximum(tasks.planned - tasks.finished - (number % 20 == 0), 0)
    said = pc.if_else(number % 2 == 0, _join("，剩余 ", _digits(left, 1), " 项"), "")
    return _join(_take(words["next_steps"], tasks.kind % len(words["next_steps"])), said)


def _budget_rows(story: Story) -> Rows:
    budgets = story.budgets
    size = len(budgets.starts)
    return {
        "budget_id": _ids("B", np.arange(size), 5),
        "starts_on": _text(budgets.starts),
        "ends_on": _text(budgets.ends),
        "category": _take(CATEGORIES, budgets.category),
        "channel": _take(CHANNEL_IDS, budgets.channel),
        "team_id": _ids("T", budgets.team, 2),
        "amount": _money(budgets.amount),
        "currency": _repeat("CNY", size),
    }


def _exposure_rows(story: Story) -> Rows:
    exposures = story.exposures
    return {
        "day": _text(exposures.day),
        "channel": _take(CHANNEL_IDS, exposures.channel),
        "campaign_id": _ids("A", exposures.activity, 4),
        "impressions": _digits(exposures.impressions, 1),
        "reach": _digits(exposures.reach, 1),
        "clicks": _digits(exposures.clicks, 1),
        "visits": _digits(exposures.visits, 1),
    }


def _benchmark_rows(words: Words, rng: np.random.Generator) -> Rows:
    """Each indicator of the trade in each of four years, a little better every year."""
    metric, value, source = zip(*words["benchmarks"], strict=True)
    years = np.repeat(np.arange(4), len(metric))
    trend = 1 + 0.02 * years + rng.uniform(-0.01, 0.01, len(years))
    return {
        "metric": _take(metric, np.tile(np.arange(len(metric)), 4)),
        "period": _digits(2023 + years, 4),
        "value": pa.array((np.tile(value, 4) * trend).round(4)).cast(pa.string()),
        "source": _take(source, np.tile(np.arange(len(metric)), 4)),
    }


def _repeat(word: str, size: int) -> Texts:
    return pa.array([word]).take(pa.array(np.zeros(size, int)))


def _pick(rng: np.random.Generator, words: Sequence[str], size: int) -> Texts:
    return pa.array(words).take(pa.array(rng.integers(len(words), size=size)))


def _take(words: Sequence[str], places: Numbers) -> Texts:
    """The words at these places, nothing for nobody."""
    return pa.array([*words, ""]).take(pa.array(np.where(places == NOBODY, len(words), places)))


def _join(*parts: Texts | str) -> Texts:
    return pc.binary_join_element_wise(*parts, "")


def _digits(numbers: Numbers, width: int) -> Texts:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def _ids(prefix: str, places: Numbers, width: int = 6) -> Texts:
    """Place 0 is number 1; nobody has no id."""
    return _keep(places != NOBODY, _join(prefix, _digits(places + 1, width)))


def _keep(mask: Numbers, texts: Texts) -> Texts:
    """The texts where the mask is true, empty ones elsewhere."""
    return pc.if_else(mask, texts, "")


def _text(moments: Moments) -> Texts:
    """`2026-11-20 09:30:00`, or the day alone; empty where it never came."""
    return pc.fill_null(pa.array(moments).cast(pa.string()), "")


def _money(fen: Numbers) -> Texts:
    """Yuan with two decimals."""
    sign = pc.if_else(fen < 0, "-", "")
    return _join(sign, _digits(abs(fen) // 100, 1), ".", _digits(abs(fen) % 100, 2))
