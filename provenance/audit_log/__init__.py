"""The audit log: what was stated, when, in a form that cannot be changed unseen."""
