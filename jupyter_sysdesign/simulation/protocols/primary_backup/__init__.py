"""Primary and backup: one server answers, another one knows everything it has answered.

Alsberg and Day, "A Principle for Resilient Sharing of Distributed Resources" (1976); Budhiraja and
others, "The Primary-Backup Approach" (1993), called *the paper* here, whose properties are Pb1 to
Pb4. Who is what is decided by a view service, as in the labs of MIT 6.824 of 2013: it is one
process, and has to be made safe by other means.

``view_service`` decides, ``server`` is the store, ``rules`` what must hold, ``cluster``,
``mutants`` and ``suite`` as for other protocols.
"""
