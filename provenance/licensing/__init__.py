"""On what terms something may be used, and who said so."""
