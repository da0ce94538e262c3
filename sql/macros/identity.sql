-- What of a customer can be compared with another: spelling, order of words and forms of address set aside.

-- Letters and digits in lower case, everything else a single space; blank is NULL.
create macro plain_words(x) as nullif(trim(regexp_replace(lower(x), '[^\p{L}\p{N}]+', ' ', 'g')), '');

-- The words in the order of the alphabet: who writes the family name first is the same person.
create macro sorted_words(x) as array_to_string(list_sort(string_split(x, ' ')), ' ');

-- Without the legal form at its end: 有限公司, Ltd.
create macro without_legal_form(x) as
    trim(regexp_replace(x, '(股份有限公司|有限责任公司|有限公司| (co )?(ltd|limited|inc|llc|plc|corp|corporation|gmbh))$', ''));

-- A name written with letters keeps its words, one written with characters has no blanks that matter.
create macro name_key(x) as
    case
        when regexp_matches(x, '[a-z]') then sorted_words(without_legal_form(plain_words(x)))
        else without_legal_form(replace(plain_words(x), ' ', ''))
    end;

-- Numbers apart from the words around them, so that 301室, 人民路12号 is 人民路12号301室.
create macro address_words(x) as trim(regexp_replace(regexp_replace(plain_words(x), '([0-9]+)', ' \1 ', 'g'), ' +', ' ', 'g'));

create macro numbers_of(x) as nullif(trim(regexp_replace(x, '[^0-9]+', ' ', 'g')), '');

create macro letters_of(x) as nullif(trim(regexp_replace(x, '[0-9 ]+', ' ', 'g')), '');
