-- Who changed what, when and from where: one row for each call that wrote, and for each command on the lake itself.
-- "account" is null for those commands; "system_user" is the person on this machine, "address" the peer of a server.
create table audit (
    no integer primary key,
    time integer not null,
    organization integer,
    account integer,
    username text not null,
    operation text not null,
    subject text not null,
    address text not null,
    system_user text not null,
    client text not null
) strict;

create trigger audit_is_append_only before update on audit
begin
    select raise(abort, 'rows of the audit log cannot be changed');
end;
