"""Exports of a version to annotation files."""
