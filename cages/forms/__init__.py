"""What people fill in, one subject a file. Each error stands at its field."""
