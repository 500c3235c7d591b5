"""Processings: registration, launch, run and logs."""
