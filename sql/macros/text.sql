-- Numbers as they stand in a sentence. Only functions that mean the same on every engine.

-- 128000 -> 128,000.00: the digits are padded to 18 places, cut into threes, and the leading zeros dropped.
create macro grouped_digits(padded) as
    substr(padded, 1, 3) || ',' || substr(padded, 4, 3) || ',' || substr(padded, 7, 3) || ','
    || substr(padded, 10, 3) || ',' || substr(padded, 13, 3) || ',' || substr(padded, 16, 2);

-- -128000 -> −128,000.00, with the sign of numbers: a hyphen is none.
create macro money_text(amount) as
    case when amount < 0 then '−' else '' end
    || case
        when abs(amount) < 1000 then cast(cast(abs(amount) as decimal(18, 2)) as varchar)
        -- most amounts need one comma, and to pad them takes four times as long
        when abs(amount) < 999999
        then substr(cast(cast(abs(amount) as decimal(18, 2)) as varchar), 1, length(cast(cast(abs(amount) as decimal(18, 2)) as varchar)) - 6)
            || ',' || right(cast(cast(abs(amount) as decimal(18, 2)) as varchar), 6)
        else ltrim(grouped_digits(lpad(cast(cast(abs(amount) as decimal(18, 2)) as varchar), 21, '0')), '0,')
            || substr(lpad(cast(cast(abs(amount) as decimal(18, 2)) as varchar), 21, '0'), 18, 4)
    end;

-- 1535 -> 1,535, of a number of things.
create macro count_text(things) as
    ltrim(grouped_digits(lpad(cast(things as varchar), 18, '0')), '0,') || substr(lpad(cast(things as varchar), 18, '0'), 18, 1);

-- 0.4567 -> 45.7%
create macro percent_text(rate) as
    case when round(rate * 100, 1) < 0 then '−' else '' end
    || cast(cast(abs(round(rate * 100, 1)) as decimal(18, 1)) as varchar) || '%';

-- 1.46 -> 1.5, of a number that is told with one digit behind the point.
create macro tenth_text(number) as
    case when round(number, 1) < 0 then '−' else '' end || cast(cast(abs(round(number, 1)) as decimal(18, 1)) as varchar);

-- 1, 'order' -> 1 order; 2, 'order' -> 2 orders.
create macro things_en(things, thing) as
    cast(things as varchar) || ' ' || thing || case when things = 1 then '' else 's' end;

create macro days_ago_zh(days) as case when days = 0 then '今天' else ' ' || cast(days as varchar) || ' 天前' end;

create macro days_ago_en(days) as case when days = 0 then 'today' else things_en(days, 'day') || ' ago' end;
