"""Terms as the standards for them write them: ODRL, RSL, CAWG, PLUS, TDMRep and AI preferences."""
