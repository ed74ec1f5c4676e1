"""The study package: one zip with all that a paper needs of some cages in one window.

`order` is what was asked for, `minutes` and `tables` make the files, `package` the zip, `methods`
the words for a paper, `crate` the RO-Crate metadata, and `verify` checks a file without a server.
"""
