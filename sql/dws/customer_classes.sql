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
    union all
    select
        m.customer_id,
        'matrix' as scheme,
        m.class_id
    from dws.customer_matrix as m
    union all
    select
        l.customer_id,
        'lifecycle' as scheme,
        l.class_id
    from dws.customer_lifecycle as l
    union all
    select
        h.customer_id,
        'churn' as scheme,
        h.class_id
    from dws.customer_churn as h
    union all
    select
        t.customer_id,
        'tier' as scheme,
        t.class_id
    from dws.customer_tier as t
    union all
    select
        o.customer_id,
        'persona' as scheme,
        o.class_id
    from dws.customer_persona as o
),
known as (
    select
        k.scheme,
        k.class_id,
        k.segment,
        k.position,
        k.label_zh,
        k.label_en
    from plan.segment_classes as k
    union all
    select
        'persona' as scheme,
        o.class_id,
        o.class_id as segment,
        o.position,
        o.label_zh,
        o.label_en
    from dws.personas as o
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
inner join known as k on k.scheme = p.scheme and k.class_id = p.class_id
