"""SCIM 2.0: an organization's identity provider says who belongs to it, for domains that it has proved.

`door.py` knows whose token it is and loads the rest when it is first asked: the library takes ten megabytes.
"""
