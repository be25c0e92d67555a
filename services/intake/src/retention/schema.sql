-- Everything that has a key, as far as the log tells, and since when its time runs.
create table kept (
    -- "person:<uuid>", "contact:<uuid>", "request:<number>".
    subject text primary key,
    -- In whose erasure it stands: one of the same three.
    whose text not null,
    -- A request's; empty for the others.
    contact text not null,
    topic text not null,
    -- When a request was concluded, a contact took place; microseconds since 1970.
    since integer,
    -- A contact names its person.
    named integer not null,
    -- It was ordered to be erased.
    ordered integer not null
) strict, without rowid;
create index kept_whose on kept (whose);
create index kept_contact on kept (contact) where contact <> '';
create index kept_live on kept (whose) where not ordered;

create table hold (
    hold text primary key,
    subject text not null
) strict, without rowid;
