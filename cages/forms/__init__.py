"""Forms, one file for each subject. Each error is shown at its field."""
