"""Polling, in the order of the data's way: schedule, poller and sensor client, recorder.

`tasks` hands the work from one to the next through Redis and holds no rule of its own.
"""
