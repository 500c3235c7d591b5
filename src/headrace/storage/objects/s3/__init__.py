"""Objects on S3, or on what speaks as S3."""
