"""Where assignments are handed out and in: a volume that all servers of the hub share."""

c = get_config()  # noqa: F821 (Jupyter gives it)

c.Exchange.root = "/srv/exchange"
# All accounts are called jovyan in here; whose a submission is, nbgrader knows from the hub.
c.ExchangeCollect.check_owner = False
