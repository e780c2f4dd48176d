"""A small shop: one table, read and written over HTTP."""

import os

import psycopg
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/items")
def items(category: str = "category-1") -> list[dict[str, object]]:
    """The twenty cheapest items of a category."""
    with connect() as connection:
        rows = connection.execute(
            "SELECT id, price FROM items WHERE category = %s ORDER BY price, id LIMIT 20",
            (category,),
        ).fetchall()
    return [{"id": row[0], "price": row[1]} for row in rows]


@app.post("/items", status_code=201)
def add(item: dict[str, object]) -> dict[str, int]:
    with connect() as connection:
        row = connection.execute(
            "INSERT INTO items (category, price) VALUES (%s, %s) RETURNING id",
            (item["category"], item["price"]),
        ).fetchone()
    return {"id": row[0]}


def connect() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5)
