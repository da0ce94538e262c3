-- Cleaners of what people are reached by.

-- A number without what people put between its digits.
create macro phone_digits(x) as
    replace(replace(replace(replace(replace(replace(replace(replace(
        x, ' ', ''), '-', ''), '(', ''), ')', ''), '.', ''), '（', ''), '）', ''), '—', '');

-- The digits of a mainland number as they are dialled at home, of a foreign one behind a plus sign; NULL for others.
create macro dialled(digits) as
    coalesce(
        nullif(
            regexp_extract(digits, '^(?:(?:[+]|00)?86)?(1[3-9][0-9]{9}|0[1-9][0-9]{8,10}|[48]00[0-9]{7})$', 1), ''
        ),
        nullif('0' || regexp_extract(digits, '^(?:[+]|00)86([1-9][0-9]{8,10})$', 1), '0'),
        nullif('+' || regexp_extract(digits, '^(?:[+]|00)((?:[1-79]|8[0-57-9])[0-9]{6,13})$', 1), '+')
    );

-- A telephone number: mobile 13800138000, landline 057187654321, with its extension 057187654321-801, 4008208820,
-- foreign +14155550100. What is no number stays as it was said, for the contract's pattern to judge.
create macro clean_phone(x) as
    case
        when regexp_matches(x, '^1[3-9][0-9]{9}$') then x
        when regexp_matches(x, '^(?:1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}|0[1-9][0-9]{1,2}-[0-9]{7,8})$')
        then replace(replace(x, ' ', ''), '-', '')
        when regexp_matches(x, '^1[3-9][0-9]{9}[.]0$') then substr(x, 1, 11)
        when regexp_matches(
            x,
            '^(?:(?:[+]|00)?86[ -]?)?[(（]?(?:0[1-9][0-9]{1,2}|[48]00)[)）]?[ -]?[0-9]{3,4}[ -]?[0-9]{3,4} ?(?:-|转|轉|分机|分機|#|[xX]|[eE][xX][tT][.]?)[ :：]?[0-9]{1,6}$'
        )
        then coalesce(
            dialled(phone_digits(regexp_replace(x, ' ?(?:-|转|轉|分机|分機|#|[xX]|[eE][xX][tT][.]?)[ :：]?[0-9]{1,6}$', '')))
            || '-' || regexp_extract(x, '[0-9]+$'),
            x
        )
        else coalesce(dialled(phone_digits(x)), x)
    end;

-- An e-mail address without the name or `mailto:` before it; the part behind the @ has no upper case.
create macro clean_email(x) as
    case
        when regexp_matches(x, '^[^@<>:。A-Z ]+@[^@<>。A-Z ]+$') then x
        when regexp_matches(x, '^(?:[^@<>]*<)?(?:mailto:)?[^@<>: ]+@[^@<> ]+>?$')
        then regexp_extract(x, '([^@<>: ]+)@', 1) || '@' || lower(replace(regexp_extract(x, '@([^@<> ]+)', 1), '。', '.'))
        else x
    end;

-- What a character of a unified social credit code counts.
create macro credit_value(x, place) as strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(x, place, 1)) - 1;

-- The remainder of the weighted sum of all 18 characters, 0 where the last one checks the others (GB 32100-2015);
-- NULL of what has not the form of a code.
create macro credit_remainder(x) as
    case
        when regexp_matches(x, '^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$')
        then (
            credit_value(x, 1) + credit_value(x, 2) * 3 + credit_value(x, 3) * 9 + credit_value(x, 4) * 27
            + credit_value(x, 5) * 19 + credit_value(x, 6) * 26 + credit_value(x, 7) * 16 + credit_value(x, 8) * 17
            + credit_value(x, 9) * 20 + credit_value(x, 10) * 29 + credit_value(x, 11) * 25 + credit_value(x, 12) * 13
            + credit_value(x, 13) * 8 + credit_value(x, 14) * 24 + credit_value(x, 15) * 10 + credit_value(x, 16) * 30
            + credit_value(x, 17) * 28 + credit_value(x, 18)
        ) % 31
    end;

-- Whether it is a unified social credit code; NULL stays NULL.
create macro is_credit_code(x) as case when x is not null then coalesce(credit_remainder(x) = 0, false) end;
