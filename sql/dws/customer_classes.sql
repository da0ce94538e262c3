-- The class of every customer in every scheme, one below the other: what summaries and moves are counted from.
-- Classes are never compared across schemes, whatever they are called: a "new" of one is not the "new" of another.
-- grain: customer_id, scheme
-- seed: S3 二(二), 二(五); F137; I36; U10
with placed as (
    select
        r.customer_id,
        'rfm' as scheme,
        r.class_id
    from dws.customer_rfm as r
    union all
    select
        r.customer_id,
        'rfm_score' as scheme,
        r.score_class_id as class_id
    from dws.customer_rfm as r
    union all
    select
        a.customer_id,
        'abc' as scheme,
        a.class_id
    from dws.customer_abc as a
    union all
    select
        g.customer_id,
        'group' as scheme,
        g.class_id
    from dws.customer_group as g
)
select
    p.customer_id,                                                      -- Customer
    p.scheme,                                                           -- Scheme of classes
    p.class_id,                                                         -- Class of the customer in it
    k.segment,                                                          -- Name of the class over all schemes, by which the playbook knows it
    k.position,                                                         -- Place of the class in its scheme
    k.label_zh,                                                         -- Name of the class in Chinese
    k.label_en                                                          -- Name of the class in English
from placed as p
inner join plan.segment_classes as k on k.scheme = p.scheme and k.class_id = p.class_id
