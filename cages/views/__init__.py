"""Pages. A file is one subject; views translate between HTTP and the domain and hold no rule."""
