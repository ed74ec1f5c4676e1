"""The night sheet of a room: made once at lights on, and shown with what is open on the desk."""
