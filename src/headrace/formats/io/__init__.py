"""Files and JSON streams below the formats."""
