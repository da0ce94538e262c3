-- Scores out of ranks and cuts.

-- 1 to 5 out of a percent_rank: equal values have equal ranks and so equal scores. NULL stays NULL.
create macro fifth_of(share) as cast(case when share < 1 then floor(share * 5) + 1 when share = 1 then 5 end as bigint);

-- 1 to 5 by the cuts a value reaches: a value on a cut has reached it.
create macro score_of(x, cut_1, cut_2, cut_3, cut_4) as
    cast(
        1 + case when x >= cut_1 then 1 else 0 end + case when x >= cut_2 then 1 else 0 end
        + case when x >= cut_3 then 1 else 0 end + case when x >= cut_4 then 1 else 0 end as bigint
    );
