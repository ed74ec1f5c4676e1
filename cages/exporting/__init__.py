"""Taking data out: rows of any window of many cages, in files that are made while they are sent.

`columns` says what a file has, `rows` reads it cage by cage in steps of a month; `files`,
`workbook` and `parquet` write it, `sending` gives up on a receiver that does not take it. `cages`
gives the cages themselves, as the import reads them, and `animals` who lived in them; `dictionary`
explains every column and rule.
"""
