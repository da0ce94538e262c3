-- What the ledger of a day that is run again says otherwise than the day's earlier one, by table. Rows that came and
-- were kept back changed no figure: what counts is what came and was let in. `is_let_in` says whether anything more
-- passed the gate, be it as a row of its own or merged into another, whose place it may have taken. Where corrections
-- were handed in, what was let in without having come is theirs: the ledger's own count is of rows they add to the day.
with sides as (
    select
        l.table_name,
        l.layer,
        -1 as sign,
        l.rows_in,
        l.rows_corrected,
        l.rows_accepted + l.rows_late as rows_let_in,
        l.rows_merged
    from dq.ledger as l
    where l.as_of = %(as_of)s
    union all
    select
        l.table_name,
        l.layer,
        1,
        l.rows_in,
        l.rows_corrected,
        l.rows_accepted + l.rows_late,
        l.rows_merged
    from stage.dq__ledger as l
),
moved as (
    select
        s.table_name,
        coalesce(sum(s.sign * s.rows_in) filter (where s.layer = 'ods'), 0) as rows_in,
        coalesce(sum(s.sign * s.rows_let_in) filter (where s.layer = 'dwd'), 0) as rows_let_in,
        coalesce(sum(s.sign * s.rows_corrected) filter (where s.layer = 'dwd'), 0) as rows_corrected,
        coalesce(sum(s.sign * s.rows_merged) filter (where s.layer = 'dwd'), 0) as rows_repeated,
        coalesce(sum(s.sign * s.rows_merged) filter (where s.layer = 'golden'), 0) as rows_merged
    from sides as s
    group by s.table_name
)
select
    m.table_name,
    m.rows_let_in > 0 or m.rows_repeated > 0 as is_let_in,
    c.cause,
    c.rows_moved
from moved as m
left join lateral (
    select v.cause, v.rows_moved
    from (values
        ('late_data', least(m.rows_in, m.rows_let_in)),
        ('withdrawn_rows', least(-m.rows_in, -m.rows_let_in)),
        ('corrected_rows', case
            when m.table_name = any(%(corrected)s)
            then greatest(abs(m.rows_corrected), m.rows_let_in - greatest(least(m.rows_in, m.rows_let_in), 0))
            else abs(m.rows_corrected)
        end),
        ('merge', abs(m.rows_merged))
    ) as v (cause, rows_moved)
    where v.rows_moved > 0
) as c on true
order by m.table_name, c.cause
