"""Conversions spread over processes: parsing and writing hold Python's lock, so threads would gain nothing.

The process that was asked reads or writes in the order of the source and decides everything; its workers do the part
between, chunk by chunk, and answer with what they made and what they found. What comes out is what one process makes.
"""
