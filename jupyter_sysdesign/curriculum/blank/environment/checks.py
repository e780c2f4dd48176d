"""What mended notes must show: an SLO, and what must not get worse for it."""

from jupyter_sysdesign.grading.checks import Context, Outcome, check

ASKED = 20
PAGES = 30  # about one for each note of an author, and the way to them


@check("reads-little", title="An author's notes are found at once", points=20, kind="slo")
def reads_little(ctx: Context) -> Outcome:
    authors = [ctx.random.randint(1, 2000) for _ in range(ASKED)]
    before = ctx.system.blocks()
    for author in authors:
        ctx.system.http.get(f"/authors/{author}/notes").raise_for_status()
    pages = (ctx.system.blocks() - before) / ASKED
    return Outcome.at_most(
        pages,
        PAGES,
        "pages for one list",
        why_failed="To show the notes of one author, the database reads all notes there are.",
    )


@check("new-note-shows", title="A new note shows at once", points=10, kind="correctness")
def new_note_shows(ctx: Context) -> Outcome:
    author, body = ctx.random.randint(1, 2000), f"held out {ctx.random.randrange(10**9)}"
    ctx.system.http.post("/notes", json={"author_id": author, "body": body}).raise_for_status()
    newest = ctx.system.http.get(f"/authors/{author}/notes").json()[0]["body"]
    return Outcome.is_true(
        newest == body,
        "the newest note",
        "the one just written",
        why_failed="What was written a moment ago does not stand at the top of the list.",
    )


@check("writes-stay-cheap", title="Writing a note stays cheap", points=5, kind="cost")
def writes_stay_cheap(ctx: Context) -> Outcome:
    indexes = ctx.system.sql(
        "SELECT count(*) AS n FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'notes'"
    )[0]["n"]
    return Outcome.at_most(
        indexes, 2, "indexes", why_failed="Each new note is written to every index as well."
    )
