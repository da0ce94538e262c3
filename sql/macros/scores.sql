-- Scores out of ranks and cuts.

-- 1 to 5 out of a percent_rank: equal values have equal ranks and so equal scores. NULL stays NULL.
create macro fifth_of(share) as cast(case when share < 1 then floor(share * 5) + 1 when share = 1 then 5 end as bigint);

-- 1 to 5 by the cuts a value reaches: a value on a cut has reached it.
create macro score_of(x, cut_1, cut_2, cut_3, cut_4) as
    cast(
        1 + case when x >= cut_1 then 1 else 0 end + case when x >= cut_2 then 1 else 0 end
        + case when x >= cut_3 then 1 else 0 end + case when x >= cut_4 then 1 else 0 end as bigint
    );

-- By which part the mean a month fell, from `before` things in so many months to `late` things: 1 for all of it, below
-- 0 for a rise.
create macro fall_a_month(late, late_months, before, before_months) as
    1 - (cast(late as double) * before_months) / (cast(before as double) * late_months);

-- Numbers that add up to the same sum in whatever order they come.
create macro millionths(x) as cast(round(x, 6) as decimal(12, 6));

-- 0 at `calm` and beyond, 1 at `alarm` and beyond, in proportion between; either may be the greater one. NULL stays NULL,
-- which least and greatest would pass over.
create macro risk_of(value, calm, alarm) as
    case
        when value is not null
        then millionths(least(greatest((value - calm) / (alarm - calm), cast(0 as double)), cast(1 as double)))
    end;

-- Whether a customer is of high value, by the one of five definitions the plan chose (I22); where that can't be told it is
-- not. `is_listed` is whether the CRM's grade is among the plan's, `spend` the net spend of 12 months.
create macro of_high_value(chosen, rfm_class, is_listed, kind, spend, spend_least, tier) as
    coalesce(
        case chosen
            when 'rfm' then rfm_class = 'high_value'
            when 'grade' then is_listed
            when 'company' then kind = 'company'
            when 'spend' then cast(spend as double) >= spend_least
            when 'tier' then tier = 'vip'
        end,
        false
    );
