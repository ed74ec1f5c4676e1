"""The examination that `manage.py doctor` makes: each part of an installation is asked how it is.

`findings` says what a check gives, `examination` runs all checks at the same time, and the others
hold the checks of one subject each. A rule is not repeated here: what /ops/ says of a part and what
`manage.py check` says of the database is taken from there.
"""
