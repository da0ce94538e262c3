-- Every order and refund with the customer, the channel and the people it belongs to.
-- A refund counts against the channel, people and product of the order it gives money back for. The channel is that
-- of the lead; of an order without one, that of the first lead the customer signed; else the channel the customer came through.
-- The seller is who sold it, else the owner of the lead, else the owner of the customer.
-- Money of another currency is turned into the plan's by the rate of the day it was booked, a refund's by its own.
-- grain: order_id
-- seed: S0 §3.1, §5.2; S1 表2; F064, F095, F098, F099; I25, I27, I51
with rates as (
    select
        r.currency,
        r.rate,
        r.day as valid_from,
        lead(r.day) over (partition by r.currency order by r.day nulls last) as valid_until
    from dwd.rates as r
),
refunded as (
    select
        r.order_id,
        o.lead_id,
        o.staff_id,
        o.product,
        o.category
    from dwd.orders as r
    inner join dwd.orders as o on o.order_id = r.refund_of
    where r.kind = 'refund'
),
known_leads as (
    select
        l.lead_id,
        l.channel,
        l.campaign_id,
        l.owner_id,
        l.won_at,
        coalesce(k.customer_id, l.customer_id) as customer_id
    from dwd.leads as l
    left join dwd.customer_links as k on k.source_customer_id = l.customer_id
),
won_leads as (
    select
        l.customer_id,
        l.channel,
        l.campaign_id,
        row_number() over (partition by l.customer_id order by l.won_at nulls last, l.lead_id nulls last) as position
    from known_leads as l
    where l.won_at is not null and l.customer_id is not null
),
known_customers as (
    select
        k.source_customer_id,
        c.customer_id,
        c.region,
        c.owner_id,
        c.source_channel
    from dwd.customer_links as k
    inner join dwd.customers as c on c.customer_id = k.customer_id
),
placed as (
    select
        o.order_id,
        o.ordered_at,
        o.ordered_on,
        coalesce(cast(o.recorded_at as date), o.ordered_on) as recorded_on,
        o.paid_on,
        o.kind = 'refund' as is_refund,
        o.refund_of,
        o.amount as original_amount,
        o.currency as original_currency,
        in_plan_currency(o.amount, o.currency, p.currency, x.rate) as amount,
        in_plan_currency(o.cost_amount, o.currency, p.currency, x.rate) as cost_amount,
        coalesce(c.customer_id, o.customer_id) as customer_id,
        c.customer_id is not null as has_customer_record,
        c.region,
        c.source_channel,
        c.owner_id,
        coalesce(o.lead_id, r.lead_id) as lead_id,
        coalesce(o.staff_id, r.staff_id) as seller_id,
        coalesce(o.product, r.product) as product,
        coalesce(o.category, r.category) as category
    from dwd.orders as o
    cross join plan.settings as p
    left join rates as x
        on x.currency = o.currency
        and o.ordered_on >= x.valid_from
        and (o.ordered_on < x.valid_until or x.valid_until is null)
    left join known_customers as c on c.source_customer_id = o.customer_id
    left join refunded as r on r.order_id = o.order_id
),
first_moments as (
    select
        o.customer_id,
        min(o.ordered_at) as ordered_at
    from placed as o
    where not o.is_refund
    group by o.customer_id
),
first_sales as (
    select
        o.customer_id,
        min(o.order_id) as order_id,
        min(o.ordered_on) as ordered_on
    from placed as o
    inner join first_moments as f on f.customer_id = o.customer_id and f.ordered_at = o.ordered_at
    where not o.is_refund
    group by o.customer_id
),
attributed as (
    select
        o.*,
        coalesce(l.channel, w.channel, o.source_channel) as channel,
        case when l.lead_id is not null then l.campaign_id else w.campaign_id end as campaign_id,
        coalesce(o.seller_id, l.owner_id, o.owner_id) as staff_id
    from placed as o
    left join known_leads as l on l.lead_id = o.lead_id
    left join won_leads as w on w.customer_id = o.customer_id and w.position = 1
)
select
    o.order_id,                                                         -- Order or refund
    o.customer_id,                                                      -- Customer who bought: the merged one where the CRM knows the id, else the id as sent
    o.has_customer_record,                                              -- Whether the CRM knows the customer
    o.lead_id,                                                          -- Lead the order came from
    o.channel,                                                          -- Channel that brought the sale
    o.campaign_id,                                                      -- Campaign activity that brought it: that of its lead; of an order without one, that of the first lead the customer signed
    s.team_id,                                                          -- Team of the seller
    o.staff_id,                                                         -- Seller
    o.region,                                                           -- Region of the customer
    s.region as sales_region,                                           -- Region the seller sells in
    o.product,                                                          -- What was sold
    o.category,                                                         -- Category of the product
    o.ordered_on,                                                       -- Day of the order or refund
    o.recorded_on,                                                      -- Day the source entered it; the day of the order or refund where it does not say
    o.paid_on,                                                          -- Day the money arrived
    case when not o.is_refund and o.paid_on >= o.ordered_on then date_diff('day', o.ordered_on, o.paid_on) end as payment_days, -- Days from a sale to its payment; NULL while it is not paid
    case when o.is_refund then 'refund' else 'sale' end as kind,        -- sale or refund
    o.is_refund,                                                        -- Whether it is a refund
    o.refund_of,                                                        -- Order a refund gives money back for
    case when o.is_refund then cast(-abs(o.amount) as decimal(18, 2)) else o.amount end as net_amount, -- What was earned; a refund is negative, whichever sign it was sent with
    case when o.is_refund then cast(-abs(o.cost_amount) as decimal(18, 2)) else o.cost_amount end as cost_amount, -- Cost of what was sold, negative for what came back; NULL where unknown
    case when o.is_refund then cast(-(abs(o.amount) - abs(o.cost_amount)) as decimal(18, 2)) else cast(o.amount - o.cost_amount as decimal(18, 2)) end as margin_amount, -- Net amount less the cost of what was sold; NULL where that is unknown
    p.currency,                                                         -- Currency of the amounts
    case when o.is_refund then cast(-abs(o.original_amount) as decimal(18, 2)) else o.original_amount end as original_amount, -- What was earned, in the currency it was booked in
    o.original_currency,                                                -- Currency it was booked in
    coalesce(f.order_id = o.order_id, false) as is_first_order,         -- Whether it is the customer's first sale ever; of several at the same moment the one with the lowest number
    f.ordered_on as customer_first_ordered_on                           -- Day of the customer's first sale; at or after the start of a period, the customer is new in it
from attributed as o
cross join plan.settings as p
left join first_sales as f on f.customer_id = o.customer_id
left join dwd.staff as s on s.staff_id = o.staff_id
