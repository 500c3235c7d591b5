-- Statements of the conformance suite in headrace.testing, over tables that every database has.

-- name: add
insert into sequence (name, last) values (:name, :last)

-- name: add_many
insert into sequence (name, last) values (?, ?)

-- name: all
select name, last from sequence where name >= :start /*filters*/ order by name

-- name: one
select last from sequence where name = :name

-- name: set_above
update sequence set last = 0 where last > :least

-- name: add_tag
insert into tag (family, scope, key, target, name, created) values (1, 1, :key, 'DATA', :name, 0)

-- name: add_membership
insert into membership (organization, account, role) values (:organization, :account, 'none')

-- name: endless
with recursive counting (n) as (select 1 union all select n + 1 from counting)
select count(*) from counting
