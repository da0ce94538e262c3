-- What the orders and contacts of every customer say of its habits: the evidence for its tags.
-- Orders are sales, whether or not money was given back. Recent is what lies in the plan's window for tags; all history
-- counts where nothing is said. There are no prices per piece in the sources, so an order is compared with what an
-- order of the same category is worth on average: ordinary. Of an odd number of orders the middle one is in no half.
-- A product is new until so many days of the plan after its first sale to anyone; not so what was sold from the start.
-- grain: customer_id
-- seed: S2 §01; S3 二(二)2, 三(一); F131, F135, F141
with bought as (
    select
        s.customer_id,
        s.order_id,
        s.ordered_on,
        s.product,
        s.category,
        s.net_amount,
        s.ordered_on > p.window_start as is_recent,
        case when s.ordered_on > p.window_start and s.category is not null then 1 else 0 end as compared
    from dws.sales as s
    cross join plan.tag_settings as p
    where not s.is_refund
),
ordinary as (
    select
        b.category,
        cast(round(cast(sum(b.net_amount) as double) / cast(count(*) as double), 2) as decimal(18, 2)) as order_amount
    from bought as b
    where b.compared = 1
    group by b.category
),
placed as (
    select
        b.customer_id,
        b.ordered_on,
        b.is_recent,
        b.compared,
        b.category,
        b.net_amount,
        date_diff(
            'day',
            lag(b.ordered_on) over (
                partition by b.customer_id order by b.ordered_on asc nulls last, b.order_id asc nulls last
            ),
            b.ordered_on
        ) as days,
        2 * sum(b.compared) over (
            partition by b.customer_id order by b.ordered_on asc nulls last, b.order_id asc nulls last
        ) as doubled_place,
        sum(b.compared) over (partition by b.customer_id) as compared_orders
    from bought as b
),
halved as (
    select
        b.customer_id,
        b.ordered_on,
        b.is_recent,
        b.net_amount,
        o.order_amount as ordinary_amount,
        nullif(b.days, 0) as days,
        o.category is not null as is_compared,
        o.category is not null and b.doubled_place <= b.compared_orders as is_earlier,
        o.category is not null and b.doubled_place > b.compared_orders + 1 as is_later
    from placed as b
    left join ordinary as o on o.category = b.category and b.compared = 1
),
totals as (
    select
        h.customer_id,
        count(*) as orders,
        count(*) filter (where h.is_recent) as recent_orders,
        min(h.ordered_on) as first_ordered_on,
        max(h.ordered_on) as last_ordered_on,
        1 + count(h.days) as order_days,
        cast(count(h.days) as double) as pauses,
        cast(sum(h.days) as double) as days,
        cast(sum(h.days * h.days) as double) as squared_days,
        count(*) filter (where h.is_compared) as compared_orders,
        sum(h.net_amount) filter (where h.is_compared) as compared_amount,
        sum(h.ordinary_amount) as ordinary_amount,
        sum(h.net_amount) filter (where h.is_earlier) as earlier_amount,
        sum(h.ordinary_amount) filter (where h.is_earlier) as earlier_ordinary_amount,
        sum(h.net_amount) filter (where h.is_later) as later_amount,
        sum(h.ordinary_amount) filter (where h.is_later) as later_ordinary_amount
    from halved as h
    group by h.customer_id
),
campaign_contacts as (
    select distinct
        t.customer_id,
        t.occurred_on
    from dws.touches as t
    where t.campaign_id is not null
),
campaign_orders as (
    select
        b.customer_id,
        count(distinct b.order_id) as campaign_orders
    from bought as b
    cross join plan.tag_settings as p
    inner join campaign_contacts as t
        on t.customer_id = b.customer_id
        and t.occurred_on <= b.ordered_on
        and date_diff('day', t.occurred_on, b.ordered_on) <= p.campaign_days
    where b.is_recent
    group by b.customer_id
),
price_reasons as (
    select distinct l.lost_reason
    from dws.lead_journey as l
    inner join plan.tag_words as w on w.purpose = 'price_word' and strpos(lower(l.lost_reason), w.word) > 0
),
lost as (
    select
        l.customer_id,
        count(*) as lost_leads,
        count(r.lost_reason) as price_leads
    from dws.lead_journey as l
    cross join plan.tag_settings as p
    left join price_reasons as r on r.lost_reason = l.lost_reason
    where l.is_lost and cast(l.lost_at as date) > p.window_start
    group by l.customer_id
),
by_product as (
    select
        b.customer_id,
        b.product,
        count(*) as orders,
        count(*) filter (where b.is_recent) as recent_orders
    from bought as b
    where b.product is not null
    group by b.customer_id, b.product
),
ranked_products as (
    select
        b.customer_id,
        b.product,
        b.orders,
        b.recent_orders,
        row_number() over (
            partition by b.customer_id order by b.orders desc nulls last, b.product asc nulls last
        ) as position,
        row_number() over (
            partition by b.customer_id order by b.recent_orders desc nulls last, b.product asc nulls last
        ) as recent_position
    from by_product as b
),
favourites as (
    select
        r.customer_id,
        count(*) as products,
        sum(r.orders) as product_orders,
        sum(r.recent_orders) as recent_product_orders,
        max(r.product) filter (where r.position = 1) as product,
        max(r.orders) as orders,
        max(r.product) filter (where r.recent_position = 1 and r.recent_orders > 0) as recent_product,
        max(r.recent_orders) as recent_orders
    from ranked_products as r
    group by r.customer_id
),
first_sales as (
    select
        b.product,
        min(b.ordered_on) as first_sold_on
    from bought as b
    where b.product is not null
    group by b.product
),
beginning as (
    select min(f.first_sold_on) as sold_on
    from first_sales as f
),
launches as (
    select
        f.product,
        f.first_sold_on
    from first_sales as f
    cross join plan.tag_settings as p
    cross join beginning as e
    where date_diff('day', e.sold_on, f.first_sold_on) > p.launch_days
),
early as (
    select
        b.customer_id,
        count(distinct b.product) as launched_products
    from bought as b
    cross join plan.tag_settings as p
    inner join launches as l
        on l.product = b.product and date_diff('day', l.first_sold_on, b.ordered_on) < p.launch_days
    group by b.customer_id
),
by_category as (
    select
        b.customer_id,
        b.category,
        count(*) as orders
    from bought as b
    where b.compared = 1
    group by b.customer_id, b.category
),
ranked_categories as (
    select
        b.customer_id,
        b.category,
        b.orders,
        row_number() over (
            partition by b.customer_id order by b.orders desc nulls last, b.category asc nulls last
        ) as position
    from by_category as b
),
preferred as (
    select
        r.customer_id,
        sum(r.orders) as category_orders,
        max(r.orders) as orders,
        max(r.category) filter (where r.position = 1) as category
    from ranked_categories as r
    group by r.customer_id
),
touched as (
    select
        t.customer_id,
        count(w.word) as own_contacts,
        count(*) filter (where t.kind = 'trial') as trials,
        count(*) filter (where t.kind = 'complaint') as complaints,
        count(*) filter (where t.kind = 'service_request') as service_requests
    from dws.touches as t
    cross join plan.tag_settings as p
    left join plan.tag_words as w on w.purpose = 'active_kind' and w.word = t.kind
    where t.occurred_on > p.window_start
    group by t.customer_id
)
select
    c.customer_id,                                                      -- Customer
    coalesce(b.orders, 0) as orders,                                    -- Orders of all history
    coalesce(b.recent_orders, 0) as recent_orders,                      -- Orders in the window
    date_diff('day', b.first_ordered_on, b.last_ordered_on) as ordering_days, -- Days from the first order to the last; NULL without an order
    date_diff('day', b.last_ordered_on, $as_of) as recency_days,        -- Days since the last order; NULL without one
    coalesce(b.compared_orders, 0) as compared_orders,                  -- Orders in the window whose category is known
    b.compared_amount,                                                  -- What they were worth
    b.ordinary_amount,                                                  -- What as many ordinary orders of their categories are worth
    case
        when b.ordinary_amount > 0
        then cast(b.compared_amount * 100 as double) / cast(b.ordinary_amount * 100 as double)
    end as price_level,                                                 -- The one as a share of the other; NULL without such orders
    case
        when b.earlier_ordinary_amount > 0
        then cast(b.earlier_amount * 100 as double) / cast(b.earlier_ordinary_amount * 100 as double)
    end as earlier_price_level,                                         -- The same of the earlier half of these orders
    case
        when b.later_ordinary_amount > 0
        then cast(b.later_amount * 100 as double) / cast(b.later_ordinary_amount * 100 as double)
    end as later_price_level,                                           -- The same of the later half
    case
        when b.earlier_amount > 0 and b.later_ordinary_amount > 0
        then cast(b.later_amount * 100 as double) * cast(b.earlier_ordinary_amount * 100 as double)
            / (cast(b.earlier_amount * 100 as double) * cast(b.later_ordinary_amount * 100 as double))
    end as price_trend,                                                 -- The level of the later half as a share of the earlier; NULL where either can't be told
    coalesce(o.campaign_orders, 0) as campaign_orders,                  -- Orders in the window soon after a contact that belongs to a campaign
    coalesce(l.lost_leads, 0) as lost_leads,                            -- Leads lost in the window
    coalesce(l.price_leads, 0) as price_leads,                          -- Leads lost in the window for the price
    f.product as favourite_product,                                     -- Product bought most often, of equally frequent ones the first by name; NULL where no product is known
    cast(f.orders as double) / cast(f.product_orders as double) as favourite_share, -- Share of the orders with a known product that were of it
    case
        when f.product_orders > 1
        then cast(f.products - 1 as double) / cast(f.product_orders - 1 as double)
    end as first_time_share,                                            -- Share of the orders after the first that were of a product not bought before; NULL where there are none
    cast(coalesce(f.product_orders, 0) as bigint) as product_orders,                    -- Orders with a known product
    coalesce(f.products, 0) as products,                                -- Different products bought
    coalesce(e.launched_products, 0) as launched_products,              -- Products bought while they were new
    f.recent_product as preferred_product,                                     -- Product bought most often in the window
    coalesce(f.recent_orders, 0) as preferred_product_orders,                  -- Orders of it in the window
    cast(f.recent_orders as double) / nullif(cast(f.recent_product_orders as double), 0) as preferred_product_share, -- Share of the orders in the window with a known product
    g.category as preferred_category,                                   -- Category bought most often in the window
    coalesce(g.orders, 0) as preferred_category_orders,                 -- Orders of it in the window
    cast(g.orders as double) / cast(g.category_orders as double) as preferred_category_share, -- Share of the orders in the window with a known category
    coalesce(b.order_days, 0) as order_days,                            -- Days with orders
    b.days / nullif(b.pauses, 0) as pause_days,                         -- Mean number of days between them; NULL of fewer than two
    sqrt(greatest(b.squared_days / nullif(b.pauses, 0) - power(b.days / nullif(b.pauses, 0), 2), 0))
        / (b.days / nullif(b.pauses, 0)) as pause_variation,            -- Standard deviation of the days between them as a share of their mean
    coalesce(t.own_contacts, 0) as own_contacts,                        -- Contacts in the window that the customer made or came to
    coalesce(t.trials, 0) as trials,                                    -- Trials in the window
    coalesce(t.complaints, 0) as complaints,                            -- Complaints in the window
    coalesce(t.service_requests, 0) as service_requests                 -- Requests for service in the window
from dwd.customers as c
left join totals as b on b.customer_id = c.customer_id
left join campaign_orders as o on o.customer_id = c.customer_id
left join lost as l on l.customer_id = c.customer_id
left join favourites as f on f.customer_id = c.customer_id
left join early as e on e.customer_id = c.customer_id
left join preferred as g on g.customer_id = c.customer_id
left join touched as t on t.customer_id = c.customer_id
