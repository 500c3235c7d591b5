-- Leases among the numbers: the end of a lease in milliseconds, and 20 bits that tell its owners from one another.

-- name: lease
insert into sequence (name, last) values (:name, cast(:until as bigint) * 1048576 + :owner)
on conflict (name) do update set last = excluded.last
where sequence.last / 1048576 < :now or sequence.last % 1048576 = :owner
returning last

-- name: left_lease
select 1 from sequence where name = :name and last / 1048576 between 1 and :now - 1
