-- Scores out of ranks.

-- 1 to 5 out of a percent_rank: equal values have equal ranks and so equal scores. NULL stays NULL.
create macro fifth_of(share) as cast(case when share < 1 then floor(share * 5) + 1 when share = 1 then 5 end as bigint);
