"""The offline check of a log, in parts that need only the standard library and are put together into one script."""
