"""A shop that needs a database, a cache and another service; every call of theirs is one link."""

import os

import httpx
import psycopg
import redis
from fastapi import FastAPI, HTTPException

app = FastAPI()
cache = redis.Redis.from_url(os.environ["CACHE_URL"], socket_timeout=3)
stock = httpx.Client(base_url=os.environ["STOCK_URL"], timeout=5)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/items")
def items() -> int:
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
            return connection.execute("SELECT count(*) FROM items").fetchone()[0]
    except psycopg.Error as error:
        raise HTTPException(503, str(error)) from error


@app.post("/count")
def count() -> int:
    try:
        return cache.incr("count")
    except redis.RedisError as error:
        raise HTTPException(503, type(error).__name__) from error


@app.get("/level")
def level() -> int:
    return ask("/level").json()["level"]


@app.get("/list")
def listing(size: int) -> int:
    return len(ask(f"/list?size={size}").content)


def ask(path: str) -> httpx.Response:
    try:
        return stock.get(path)
    except httpx.HTTPError as error:
        raise HTTPException(502, type(error).__name__) from error
