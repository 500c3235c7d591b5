-- Organizations, accounts, memberships, tokens, signing keys and connectors.

-- name: add_organization
insert into organization (no, name, created) values (:no, :name, :created)

-- name: add_account
insert into account (no, username, created) values (:no, :username, :created)

-- name: next_account
select max(no) + 1 from account

-- name: add_membership
insert or ignore into membership (organization, account, role) values (:organization, :account, :role)

-- name: add_connector
insert into connector (no, organization, name, kind, created)
values (:no, :organization, :name, :kind, :created)

-- name: add_signing_key
insert into signing_key (secret, created) values (:secret, :created)

-- name: signing_keys
select no, secret from signing_key order by no desc limit 2

-- name: memberships
select o.no, o.name, o.created,
       (select min(c.no) from connector c where c.organization = o.no),
       (select c.created from connector c where c.organization = o.no order by c.no limit 1)
from membership m cross join organization o
where m.account = :account and o.no = m.organization
order by o.no

-- name: account
select no, username, created from account where username = :username

-- name: first_account
select no, username, created from account order by no limit 1

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
insert into token (account, organization, name, digest, created, expires)
values (:account, :organization, :name, :digest, :created, :expires)
returning no

-- The organizations of a token are read with it, because every request starts with this statement.

-- name: token
select t.digest, t.account, a.username, t.expires, t.revoked, o.no, o.name, o.created,
       (select min(c.no) from connector c where c.organization = o.no),
       (select c.created from connector c where c.organization = o.no order by c.no limit 1)
from token t cross join account a
left join membership m on m.account = t.account
    and m.organization = coalesce(t.organization, m.organization)
left join organization o on o.no = m.organization
where t.digest = :digest and a.no = t.account
order by o.no

-- name: tokens
select t.no, t.name, a.username, o.name, t.created, t.expires, t.revoked
from token t cross join account a on a.no = t.account
left join organization o on o.no = t.organization
order by t.no

-- name: revoke_token
update token set revoked = :now where no = :no and revoked is null

-- name: extend_token
update token set expires = :expires where name = :name and revoked is null

-- name: drop_token
delete from token where name = :name
