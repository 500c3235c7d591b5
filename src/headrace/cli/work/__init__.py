"""Commands for jobs and processings."""
