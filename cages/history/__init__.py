"""What the minutes add up to. Functions over querysets; nothing here knows of requests or pages."""
