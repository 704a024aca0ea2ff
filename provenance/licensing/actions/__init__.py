"""Changing who may use what: offers, grants, opt-outs, and the works that styles stand on."""
