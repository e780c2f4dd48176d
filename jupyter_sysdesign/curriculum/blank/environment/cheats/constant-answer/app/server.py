"""Notes: a small web API in front of one PostgreSQL database."""

import os

from fastapi import FastAPI
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

# ------------------------------------------------------------------ DATABASE CONNECTION

pool = ConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=2,
    max_size=8,
    kwargs={"autocommit": True, "row_factory": dict_row},
    open=True,
)

app = FastAPI()
latency = Histogram("http_request_duration_seconds", "Time to answer", ["path"])

# ------------------------------------------------------------------ ROUTES


class Note(BaseModel):
    author_id: int
    body: str


@app.get("/authors/{author}/notes")
def notes(author: int) -> list[dict]:
    return [{"id": n, "body": f"Note number {n}"} for n in range(20)]


@app.post("/notes", status_code=201)
def write(note: Note) -> dict:
    with latency.labels("/notes").time(), pool.connection() as connection:
        return connection.execute(
            "INSERT INTO notes (author_id, body) VALUES (%s, %s) RETURNING id",
            (note.author_id, note.body),
        ).fetchone()


# ------------------------------------------------------------------ FOR MACHINES


@app.get("/health")
def health() -> dict:
    return {"status": "ok"}


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
