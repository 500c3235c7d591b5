-- Statements of the conformance suite in headrace.testing, over tables that every database has.

-- name: echo
select cast(:text as text), cast(:number as bigint), cast(:real as double precision), cast(:bytes as bytea),
       cast(:nothing as text)

-- name: broken
select no_such_column from sequence
