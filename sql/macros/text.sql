-- Numbers as they stand in a sentence. Only functions that mean the same on every engine.

-- 128000 -> 128,000.00: the digits are padded to 18 places, cut into threes, and the leading zeros dropped.
create macro grouped_digits(padded) as
    substr(padded, 1, 3) || ',' || substr(padded, 4, 3) || ',' || substr(padded, 7, 3) || ','
    || substr(padded, 10, 3) || ',' || substr(padded, 13, 3) || ',' || substr(padded, 16, 2);

create macro money_text(amount) as
    case when amount < 0 then '-' else '' end
    || ltrim(grouped_digits(lpad(cast(cast(abs(amount) as decimal(18, 2)) as varchar), 21, '0')), '0,')
    || substr(lpad(cast(cast(abs(amount) as decimal(18, 2)) as varchar), 21, '0'), 18, 4);

-- 1535 -> 1,535, of a number of things.
create macro count_text(things) as
    ltrim(grouped_digits(lpad(cast(things as varchar), 18, '0')), '0,') || substr(lpad(cast(things as varchar), 18, '0'), 18, 1);

-- 0.4567 -> 45.7%
create macro percent_text(rate) as cast(cast(round(rate * 100, 1) as decimal(18, 1)) as varchar) || '%';
