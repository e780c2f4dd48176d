"""Errands: a job queue in front of one PostgreSQL database.

The shop hands in a job and goes on at once. A few workers take the jobs, one after the other, and
have each of them printed in the warehouse.
"""

import asyncio
import logging
import os
import time
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, Histogram, generate_latest
from psycopg import OperationalError
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

log = logging.getLogger("uvicorn.error")

# ------------------------------------------------------------------ DATABASE CONNECTION

# The database takes 20 connections in all. 12 of them are ours; the evening reports, and whoever
# has to look inside when something is on fire, need the rest.

# Two pools, so that neither side can take what the other one needs: the shop's requests have five
# connections, the workers six. When all are lent, the next one waits in line; who has waited
# "timeout" seconds gets an error.
def make_pool(size):
    # dict_row: each row arrives as a dictionary, {"id": 7, "kind": ...}, not as a bare tuple.
    return AsyncConnectionPool(
        os.environ["DATABASE_URL"],
        min_size=2,
        max_size=size,
        timeout=5,
        kwargs={"autocommit": True, "row_factory": dict_row},
        open=False,
    )


pool = make_pool(5)
workers_pool = make_pool(6)


# "async with" borrows a connection and gives it back at the end of the block, errors or not.
async def query(sql, params):
    async with pool.connection() as connection:
        cursor = await connection.execute(sql, params)
        return await cursor.fetchall()


# FastAPI runs the part before "yield" when the server starts, the part after it when it stops.
@asynccontextmanager
async def lifespan(app):
    await pool.open(wait=True)
    await workers_pool.open(wait=True)
    workers = [asyncio.create_task(work()) for _ in range(WORKERS)]
    yield
    for worker in workers:
        worker.cancel()
    await pool.close()
    await workers_pool.close()
    await printer.aclose()


app = FastAPI(lifespan=lifespan)


# What happens when the database cannot be reached: one line in the log, and a 500.
@app.exception_handler(OperationalError)
async def no_connection(request: Request, error: OperationalError):
    log.error("%s %s: %s", request.method, request.url.path, error)
    return JSONResponse({"error": "no database connection"}, 500)


# ------------------------------------------------------------------ ROUTES

# @app.get("/...") ties an address to the function below it. Parts in {braces} arrive as its
# parameters; the dictionary it returns ("-> dict") is sent as JSON.


# FastAPI reads the JSON body of a request into this class and answers 422 if it does not fit.
class NewJob(BaseModel):
    order_id: int
    kind: str


@app.post("/jobs", status_code=201)
async def hand_in(new: NewJob) -> dict:
    try:
        rows = await query(
            "INSERT INTO jobs (order_id, kind) VALUES (%s, %s) RETURNING id, status",
            (new.order_id, new.kind),
        )
    except ForeignKeyViolation:
        raise HTTPException(422, f"there is no kind of job called {new.kind}")
    return rows[0]


@app.get("/jobs/{job_id}")
async def look_up(job_id: int) -> dict:
    rows = await query(
        "SELECT id, order_id, kind, status FROM jobs WHERE id = %s",
        (job_id,),
    )
    if not rows:
        raise HTTPException(404, "no such job")
    return rows[0]


@app.get("/queue")
async def queue() -> dict:
    rows = await query("SELECT count(*) AS waiting FROM jobs WHERE status = %s", ("waiting",))
    return rows[0]


# ------------------------------------------------------------------ WORKERS

WORKERS = 6

printer = httpx.AsyncClient(base_url=os.environ["PRINTER_URL"], timeout=10)


# Each worker does this for ever.
async def work():
    while True:
        try:
            if not await one_job():
                await asyncio.sleep(0.5)  # nothing to do: look again in a moment
        except Exception as error:
            log.error("a worker failed: %s", error)
            await asyncio.sleep(1)


# Takes the oldest job that waits, and does it; says whether there was one.
# FOR UPDATE locks the row until the transaction ends, and SKIP LOCKED passes over rows that another
# worker has locked: no two of them ever get the same job. If anything goes wrong the transaction
# is undone, and the job waits again.
async def one_job():
    async with workers_pool.connection() as connection, connection.transaction():
        cursor = await connection.execute(
            """
            SELECT id FROM jobs
            WHERE status = 'waiting'
            ORDER BY id
            LIMIT 1
            FOR UPDATE SKIP LOCKED
            """
        )
        job = await cursor.fetchone()
        if job:
            answer = await printer.post("/sheets", json={"job_id": job["id"]})
            answer.raise_for_status()
            await connection.execute(
                "UPDATE jobs SET status = 'done', done_at = now() WHERE id = %s", (job["id"],)
            )
    return job is not None


# ------------------------------------------------------------------ METRICS

latency = Histogram(
    "http_request_duration_seconds",
    "Time from the first byte of a request to its answer",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
Gauge("connections_opened", "Connections that are open just now").set_function(
    lambda: sum(each.get_stats().get("pool_size", 0) for each in (pool, workers_pool))
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
        # The template, "/jobs/{job_id}", not the address that was asked for:
        # 60,000 jobs must not become 60,000 time series.
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
