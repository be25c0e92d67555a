-- Registered requests; `id` is the position of the registration, so newer ones have higher ids.
create table doc (
    id integer primary key,
    number text not null unique,
    -- The number's digits: all, without the year, and all backwards.
    digits text not null,
    tail text not null,
    backwards text not null,
    -- 0 for none.
    person integer not null,
    -- Microseconds since 1970.
    at integer not null,
    unit text not null,
    state integer not null
) strict;
create index doc_digits on doc (digits);
create index doc_tail on doc (tail);
create index doc_backwards on doc (backwards);
create index doc_person on doc (person) where person <> 0;
create index doc_unit on doc (unit, state);
create index doc_state on doc (state);

-- What was written about a request later, by the position of its event.
create table message (id integer primary key, doc integer not null) strict;
create index message_doc on message (doc);

-- Words of registrations and messages, by the same ids. A registration's place has its topic's words, too: facts.
create virtual table texts using fts5 (words, stems, place, name, tokenize = 'ascii');
insert into texts (texts, rank) values ('secure-delete', 1);

-- Every word of the index once, for those that are not typed to their end.
create table word (text text primary key) strict, without rowid;

-- `id` is the position of the event that named the person first; `words` are those of the name.
create table person (id integer primary key, pseudonym text not null unique, words text not null) strict;
-- Phones, their ends, and e-mail addresses, blinded.
create table reach (hash integer not null, person integer not null, primary key (hash, person)) strict, without rowid;
create index reach_person on reach (person);

create table topic (code text primary key, words text not null) strict, without rowid;
