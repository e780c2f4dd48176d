"""Who a learner is for the machine: a user id that nobody else in the hub has."""

#: User ids that the image has names for (hub/image/Dockerfile).
FIRST_UID, LAST_UID = 20_000, 29_999


def uid(spawner):
    """Return the user id that a learner's server runs as."""
    found = FIRST_UID + spawner.user.id
    if found > LAST_UID:
        raise RuntimeError("The image has no more user ids: see hub/image/Dockerfile")
    return found
