-- Time between two moments. Whole seconds are counted, since engines keep fractions differently.
create macro hours_between(since, until) as cast(floor(epoch(until)) - floor(epoch(since)) as double) / 3600;

-- The first day on which `day` lies that many calendar months back: where a month lacks the day it is the first of the
-- next, since months are counted back from the last day of a shorter month.
create macro months_passed_on(day, months) as
    case
        when extract(day from cast(day + months * interval 1 month as date)) = extract(day from day)
        then cast(day + months * interval 1 month as date)
        else cast(day + months * interval 1 month as date) + 1
    end;
