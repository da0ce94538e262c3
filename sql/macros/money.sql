-- An amount in the plan's currency, by the rate of exchange of its day; NULL where there is none.
create macro in_plan_currency(amount, currency, plan_currency, rate) as
    case
        when currency = plan_currency then amount
        else cast(amount * cast(rate as decimal(18, 8)) as decimal(18, 2))
    end;
