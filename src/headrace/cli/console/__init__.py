"""Parts that all commands share: options, results, errors, progress."""
