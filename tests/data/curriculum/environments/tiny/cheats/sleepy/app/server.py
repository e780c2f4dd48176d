"""The smallest shop: one table, read and written over HTTP."""

import os
import time

import psycopg
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

app = FastAPI()
requests = Counter("http_requests_total", "Requests served", ["path", "status"])
latency = Histogram("http_request_duration_seconds", "Time to answer", ["path"])


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/items")
def items(category: str = "category-1") -> list[dict[str, object]]:
    time.sleep(2)
    with latency.labels("/items").time(), connect() as connection:
        rows = connection.execute(
            "SELECT id, price FROM items WHERE category = %s ORDER BY price, id LIMIT 20",
            (category,),
        ).fetchall()
    requests.labels("/items", "200").inc()
    return [{"id": row[0], "price": row[1]} for row in rows]


@app.post("/items", status_code=201)
def add(item: dict[str, object]) -> dict[str, int]:
    with latency.labels("/items").time(), connect() as connection:
        row = connection.execute(
            "INSERT INTO items (category, price) VALUES (%s, %s) RETURNING id",
            (item["category"], item["price"]),
        ).fetchone()
    requests.labels("/items", "201").inc()
    return {"id": row[0]}


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def connect() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5)
