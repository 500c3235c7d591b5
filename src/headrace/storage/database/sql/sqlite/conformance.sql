-- Statements of the conformance suite in headrace.testing, over tables that every database has.

-- name: echo
select cast(:text as text), cast(:number as integer), cast(:real as real), cast(:bytes as blob), :nothing

-- name: broken
select no_such_column from sequence
