"""People: accounts, labs and roles, what each person may see and change, and their tokens."""
