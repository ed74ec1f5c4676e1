"""Taking data out: rows of any window of many cages, in files that are made while they are sent.

`columns` says what a file has, `rows` reads it cage by cage in steps of a month, `files` writes it,
`sending` gives a receiver up that does not take it.
"""
