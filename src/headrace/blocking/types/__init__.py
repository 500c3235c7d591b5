"""The modules of the official client for enumerations and schemas, with the classes of headrace."""
