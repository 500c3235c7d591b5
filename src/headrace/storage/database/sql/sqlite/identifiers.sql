-- Row numbers that are never used twice, not even after the row is deleted.

-- name: take_numbers
insert into sequence (name, last) values (:name, :count)
on conflict (name) do update set last = last + :count
returning last

-- name: lease
-- The end of a lease in milliseconds, and 20 bits that tell its owners from one another.
insert into sequence (name, last) values (:name, (:until << 20) + :owner)
on conflict (name) do update set last = excluded.last
where (sequence.last >> 20) < :now or (sequence.last & 1048575) = :owner
returning last
