"""A shop that writes to the primary and reads from the replica."""

import os

import psycopg
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/items")
def items() -> int:
    with psycopg.connect(os.environ["REPLICA_URL"], connect_timeout=5) as connection:
        return connection.execute("SELECT count(*) FROM items").fetchone()[0]


@app.post("/items", status_code=201)
def add(item: dict[str, object]) -> dict[str, int]:
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
        row = connection.execute(
            "INSERT INTO items (category, price) VALUES (%s, %s) RETURNING id",
            (item["category"], item["price"]),
        ).fetchone()
    return {"id": row[0]}
