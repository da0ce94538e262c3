-- An amount in the plan's currency, by the rate of exchange of its day; NULL where there is none.
create macro in_plan_currency(amount, currency, plan_currency, rate) as
    case
        when currency = plan_currency then amount
        else cast(amount * cast(rate as decimal(18, 8)) as decimal(18, 2))
    end;

-- What an amount for the days from `starts_on` to `ends_on`, spread evenly over them, comes to before `day`. Parts of
-- days that follow each other are differences of this, so that they add up to the amount to the cent.
create macro spread_before(amount, starts_on, ends_on, day) as
    cast(
        round(
            cast(amount as double)
            * cast(least(greatest(date_diff('day', starts_on, day), 0), date_diff('day', starts_on, ends_on) + 1) as double)
            / cast(date_diff('day', starts_on, ends_on) + 1 as double),
            2
        ) as decimal(18, 2)
    );
