"""Murmur: a small web API in front of one PostgreSQL database.

Everything a user does ends up in one of the functions under ROUTES. Each of them borrows a
connection to the database, sends SQL through it, and turns the answer into JSON.
"""

import logging
import os
import time

from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, Histogram, generate_latest
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel, Field

log = logging.getLogger("uvicorn.error")

# ------------------------------------------------------------------ DATABASE CONNECTION

# A pool keeps a few connections open and lends them out, one per request. Who has waited
# "timeout" seconds for one gets an error instead.
# The database takes 20 connections in all. 12 of them are ours; the nightly jobs, and whoever
# has to look inside when something is on fire, need the rest.
# dict_row: each row arrives as a dictionary, {"id": 7, "body": ...}, not as a bare tuple.
pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=4,
    max_size=10,
    timeout=5,
    kwargs={"autocommit": True, "row_factory": dict_row},
    open=False,
)

# The push service tells the followers' phones. It belongs to another company.
push = httpx.AsyncClient(base_url=os.environ["PUSH_URL"], timeout=10)


# FastAPI runs the part before "yield" when the server starts, the part after it when it stops.
@asynccontextmanager
async def lifespan(app):
    await pool.open(wait=True)
    yield
    await pool.close()
    await push.aclose()


app = FastAPI(lifespan=lifespan)


# "async with" borrows a connection and gives it back at the end of the block, errors or not.
async def query(sql, params):
    async with pool.connection() as connection:
        cursor = await connection.execute(sql, params)
        return await cursor.fetchall()


# What happens when nobody gave a connection back in time: one line in the log, and a 500.
@app.exception_handler(PoolTimeout)
async def no_connection(request: Request, error: PoolTimeout):
    log.error("%s %s: %s", request.method, request.url.path, error)
    return JSONResponse({"error": "no database connection"}, 500)


# ------------------------------------------------------------------ ROUTES

# @app.get("/...") ties an address to the function below it. Parts in {braces} and everything
# behind a "?" arrive as its parameters; the dictionary it returns ("-> dict") is sent as JSON.

PAGE = 20  # posts on one page of the timeline


# The timeline: what everybody said, the newest first. "next" is the address of the page with
# older posts; whoever reads on follows it.
@app.get("/timeline")
async def timeline(page: int = 1) -> dict:
    rows = await query(
        """
        SELECT posts.id, author_id, name AS author, body, created_at
        FROM posts
        JOIN users ON users.id = posts.author_id
        ORDER BY created_at DESC, posts.id DESC
        LIMIT %s OFFSET %s
        """,
        (PAGE, PAGE * (page - 1)),
    )
    return {"posts": rows, "next": f"/timeline?page={page + 1}"}


@app.get("/posts/{post_id}")
async def one_post(post_id: int) -> dict:
    rows = await query(
        "SELECT id, author_id, body, created_at FROM posts WHERE id = %s",
        (post_id,),
    )
    if not rows:
        raise HTTPException(404, "no such post")
    return rows[0]


@app.get("/users/{user_id}")
async def profile(user_id: int) -> dict:
    rows = await query(
        """
        SELECT id, name, (SELECT count(*) FROM follows WHERE follower_id = users.id) AS follows
        FROM users
        WHERE id = %s
        """,
        (user_id,),
    )
    if not rows:
        raise HTTPException(404, "no such user")
    return rows[0]


# FastAPI reads the JSON body of a request into such a class and answers 422 if it does not fit.
class NewPost(BaseModel):
    author_id: int
    body: str = Field(min_length=1, max_length=280)


# Publishing: store the post, and tell the followers. If the push service refuses, the transaction
# is undone, and the post is not kept. (What has buzzed has buzzed: that nobody can undo.)
@app.post("/posts", status_code=201)
async def publish(new: NewPost) -> dict:
    async with pool.connection() as connection, connection.transaction():
        try:
            cursor = await connection.execute(
                "INSERT INTO posts (author_id, body) VALUES (%s, %s) RETURNING id, created_at",
                (new.author_id, new.body),
            )
        except ForeignKeyViolation:
            raise HTTPException(404, "no such user")
        post = await cursor.fetchone()
        answer = await push.post("/announcements", json={"post_id": post["id"]})
        answer.raise_for_status()
    return post


class NewFollow(BaseModel):
    follower_id: int
    followee_id: int


@app.post("/follows", status_code=201)
async def follow(new: NewFollow) -> dict:
    try:
        await query(
            """
            INSERT INTO follows (follower_id, followee_id) VALUES (%s, %s)
            ON CONFLICT DO NOTHING
            RETURNING follower_id
            """,
            (new.follower_id, new.followee_id),
        )
    except ForeignKeyViolation:
        raise HTTPException(404, "no such user")
    return {"follower_id": new.follower_id, "followee_id": new.followee_id}


# ------------------------------------------------------------------ METRICS

latency = Histogram(
    "http_request_duration_seconds",
    "Time from the first byte of a request to its answer",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
Gauge("pool_waiting", "Requests that wait for a connection").set_function(
    lambda: pool.get_stats().get("requests_waiting", 0)
)


# A middleware wraps every request: it runs before and after the function under ROUTES.
@app.middleware("http")
async def measure(request: Request, call_next):
    start = time.perf_counter()
    status = 500
    try:
        response = await call_next(request)
        status = response.status_code
        return response
    finally:
        # The template, "/posts/{post_id}", not the address that was asked for:
        # 200,000 posts must not become 200,000 time series.
        route = request.scope.get("route")
        latency.labels(request.method, route.path if route else "unknown", status).observe(
            time.perf_counter() - start
        )


@app.get("/health")
async def health() -> dict:
    return {"status": "ok"}


@app.get("/metrics")
async def metrics():
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
