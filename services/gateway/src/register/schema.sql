-- One row per request: every fact that a list, a filter or a public answer asks for, and no text of anybody's.
-- Times are microseconds since 1970; words stand as their numbers on the wire, a channel as its code.
create table request (
    number              text primary key,
    topic               text not null,
    channel             text not null,
    latitude            real,
    longitude           real,
    district            text not null,
    neighbourhood       text not null,
    -- The citizen's pseudonym, "" for nobody known.
    person              text not null,
    registered_at       integer not null,
    -- When something happened that the public may know of.
    updated_at          integer not null,
    -- The log's position of the last event of any kind that concerns it.
    changed_at_position integer not null,
    state               integer not null,
    state_since         integer not null,
    -- 1 until it is concluded.
    open                integer not null,
    -- "" until it is routed.
    unit                text not null default '',
    assignee            text not null default '',
    planned_for         text not null default '',
    institution         text not null default '',
    sub_result          integer not null default 0,
    concluded_at        integer,
    -- What the service standard wants, waits for the citizen added; null where no standard was posted.
    due_at              integer,
    -- The standard that was posted when it was registered; 0 of both for none.
    due_days            integer not null,
    due_working_days    integer not null,
    -- The version of the handling's stream, which a person's command says it has seen.
    version             integer not null default 0,
    imported            integer not null,
    -- The system it was imported from, or "".
    source              text not null
) without rowid;

-- How many requests stand where: kept with every event, so that no figure ever scans the requests.
create table tally (
    unit       text not null,
    channel    text not null,
    state      integer not null,
    sub_result integer not null,
    requests   integer not null,
    primary key (unit, channel, state, sub_result)
) without rowid;

-- What the public may know to have happened to requests, in its order: a state that was reached, or a public remark (state 0).
create table step (
    at          integer not null,
    position    integer not null,
    number      text not null,
    state       integer not null,
    sub_result  integer not null,
    planned_for text not null,
    primary key (at, position)
) without rowid;

create table topic (
    code         text primary key,
    name_tr      text not null,
    name_en      text not null,
    unit         text not null,
    public       integer not null,
    family       text not null,
    -- The service standard; 0 of both for none.
    days         integer not null,
    working_days integer not null,
    -- When it was defined or changed last.
    defined_at   integer not null,
    -- cozum.routing.v1.TopicDefined as it stands now: keywords, questions and their choices.
    definition   blob not null
) without rowid;
create table unit (
    code text primary key, name_tr text not null, name_en text not null, outside integer not null
) without rowid;
create table district (name text primary key, requests integer not null) without rowid;
create table neighbourhood (
    district text not null, name text not null, requests integer not null, primary key (district, name)
) without rowid;
