-- Every index ends in the number, because the table has no other key: a page's cursor is (its sort column, number).
create index if not exists request_registered on request (registered_at);
create index if not exists request_updated on request (updated_at);
create index if not exists request_changed on request (changed_at_position);
create index if not exists request_open on request (open, registered_at);
create index if not exists request_state on request (state, updated_at);
create index if not exists request_unit_open on request (unit, open, registered_at);
create index if not exists request_unit_state on request (unit, state, registered_at);
create index if not exists request_topic on request (topic, registered_at);
create index if not exists request_channel on request (channel, registered_at);
create index if not exists request_district on request (district, registered_at);
create index if not exists request_place on request (latitude, longitude) where latitude is not null;
create index if not exists request_person on request (person, registered_at) where person <> '';
create index if not exists request_assignee on request (assignee, registered_at) where assignee <> '';
create index if not exists request_due on request (due_at) where open = 1 and due_at is not null;
create index if not exists request_unit_due on request (unit, due_at) where open = 1 and due_at is not null;
