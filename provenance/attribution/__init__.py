"""Which recorded picture another one may be a copy of: kept fingerprints, and finding those that are near."""
