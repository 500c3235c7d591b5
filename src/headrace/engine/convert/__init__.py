"""Conversions from one format to another."""
