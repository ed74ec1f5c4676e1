"""The local stack: `make up` runs every part of Neurocage on one machine, servers included.

`embedded` starts and stops the embedded PostgreSQL and Valkey, for `make up` and for the tests.
Nothing here imports Django's settings: that keeps the start quick, and no server runs yet that
they could name.
"""
