"""Other people's programs, run in processes of their own that never outlive this one."""
