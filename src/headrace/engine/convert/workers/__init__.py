"""Worker processes for conversions. Parsing and writing hold Python's lock, so threads would gain nothing.

The main process walks the source and makes every decision, in the order of the source. Workers parse, or create files,
chunk by chunk, and reply with their results and findings. The output is the same as that of a single process.
"""
