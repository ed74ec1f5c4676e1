"""What the generated facility tells other apps, so that they add their part of it."""

from django.dispatch import Signal

# All minutes are written. Arguments: people, {Role: a person of the lab with that role}; window, in
# which the minutes lie; seed.
facility_loaded = Signal()
