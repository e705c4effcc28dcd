"""A user's data set, listed and checked before any picture is read."""
