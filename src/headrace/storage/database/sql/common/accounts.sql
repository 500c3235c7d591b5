-- Organizations, accounts, memberships, tokens, signing keys and connectors.

-- name: add_organization
insert into organization (no, name, created) values (:no, :name, :created)

-- name: add_account
insert into account (no, username, created) values (:no, :username, :created)

-- name: next_account
select coalesce(max(no), 0) + 1 from account

-- name: add_connector
insert into connector (no, organization, name, kind, created)
values (:no, :organization, :name, :kind, :created)

-- name: add_signing_key
insert into signing_key (secret, created) values (:secret, :created)
returning no

-- name: signing_keys
select no, secret, retired from signing_key order by no desc limit 100

-- name: retire_signing_keys
update signing_key set retired = :now where retired is null

-- name: drop_signing_keys
delete from signing_key where retired < :before

-- name: memberships
select o.no, o.name, o.created,
       (select min(c.no) from connector c where c.organization = o.no),
       (select c.created from connector c where c.organization = o.no order by c.no limit 1),
       m.role
from membership m cross join organization o
where m.account = :account and o.no = m.organization
order by o.no

-- name: account
select no, username, created from account where username = :username

-- name: first_account
select a.no, a.username, a.created from account a
where exists (select 1 from membership m where m.account = a.no)
order by exists (select 1 from membership m where m.account = a.no and m.role = 'owner') desc, a.no
limit 1

-- name: users
select a.no, a.username, a.created
from membership m cross join account a
where m.organization = :organization and a.no = m.account
order by a.no

-- name: member
select a.no, a.username, a.created
from membership m cross join account a
where m.organization = :organization and m.account = :account and a.no = m.account

-- name: connector
select no, kind, created from connector where no = :no and organization = :organization

-- name: add_token
insert into token (account, organization, name, digest, created, expires, read_only)
values (:account, :organization, :name, :digest, :created, :expires, :read_only)
returning no

-- The organizations of a token are read with it, because every request starts with this statement.

-- name: token
select t.digest, t.account, a.username, t.expires, t.revoked, t.no, t.last_used, t.read_only,
       o.no, o.name, o.created,
       (select min(c.no) from connector c where c.organization = o.no),
       (select c.created from connector c where c.organization = o.no order by c.no limit 1),
       m.role
from token t cross join account a
left join membership m on m.account = t.account
    and m.organization = coalesce(t.organization, m.organization)
left join organization o on o.no = m.organization
where t.digest = :digest and a.no = t.account
order by o.no

-- name: valid_digests
select t.digest from token t
where t.revoked is null and (t.expires is null or t.expires > :now)
order by coalesce(t.last_used, t.created) desc limit :limit

-- name: revoke_token
update token set revoked = :now where no = :no and revoked is null

-- name: use_token
update token set last_used = :now where no = :no and (last_used is null or last_used < :before)

-- name: extend_token
update token set expires = :expires where name = :name and revoked is null

-- name: drop_token
delete from token where name = :name

-- Organizations and members.

-- name: organizations
select no, name, created from organization order by no

-- name: next_organization
select coalesce(max(no), 0) + 1 from organization

-- name: next_connector
select coalesce(max(no), 0) + 1 from connector

-- name: rename_organization
update organization set name = :name where no = :no

-- name: roles
select m.organization, a.username, m.role
from membership m cross join account a
where a.no = m.account
order by m.organization, a.no

-- name: role_of
select m.role from membership m cross join account a
where m.organization = :organization and a.no = m.account and a.username = :username

-- name: owners
select a.username from membership m cross join account a
where m.organization = :organization and m.role = 'owner' and a.no = m.account

-- name: set_membership
insert into membership (organization, account, role) values (:organization, :account, :role)
on conflict (organization, account) do update set role = :role

-- name: drop_membership
delete from membership where organization = :organization and account = :account

-- name: count_tokens
select count(*) from token
where account = :account and organization = :organization and revoked is null
  and (expires is null or expires > :now)

-- name: revoke_tokens
update token set revoked = :now where account = :account and organization = :organization and revoked is null
