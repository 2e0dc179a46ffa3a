"""IHE document sharing: the facts of XDS.b, its metadata as objects and as ebRIM."""
