"""Pages, one file for each subject. Views translate between HTTP and the domain."""
