"""Evidence bundles: an asset's part of the log in one file, which anybody can check offline. Contract section 9.

`bundle` is the format, `naming` says whose folios an entry calls for, `folios` what a set of entries shows of folios,
`examination` what a verifier finds.
"""
