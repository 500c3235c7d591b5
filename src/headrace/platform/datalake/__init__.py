"""Datalakes, their data, data sources and uploads."""
