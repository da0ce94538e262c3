-- The industries the campaign is meant for, each with the customers it won there.
-- grain: industry
-- seed: S0 §1.3; F084; I19
select
    l.member as industry,                                               -- Industry, as the plan writes it
    count(s.customer_id) as customers                                   -- Customers of the industry with an order
from plan.lists as l
left join dws.customer_starts as s on s.target_industry = l.member and s.first_ordered_on is not null
where l.list = 'audience' and l.field = 'industry'
group by l.member
