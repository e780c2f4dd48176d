"""Larder: the product catalogue of a wholesaler for restaurants.

Kitchens look things up all day long. Now and then somebody wants a report: what will run out first?
"""

import logging
import os
import time

from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, Histogram, generate_latest
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel, Field

log = logging.getLogger("uvicorn.error")

# ------------------------------------------------------------------ DATABASE CONNECTION

# A bounded pool, opened in full when the app starts: POOL_SIZE connections, lent out one per
# request and given back at once. How many there are stands in compose.yaml.
# dict_row: each row arrives as a dictionary, {"id": 7, "name": ...}, not as a bare tuple.
POOL_SIZE = int(os.environ["POOL_SIZE"])

pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=POOL_SIZE,
    max_size=POOL_SIZE,
    timeout=10,
    kwargs={"autocommit": True, "row_factory": dict_row},
    open=False,
)


# FastAPI runs the part before "yield" when the server starts, the part after it when it stops.
# Without its connections the app does not start at all: the log says why, and it leaves.
@asynccontextmanager
async def lifespan(app):
    try:
        await pool.open(wait=True, timeout=5)
    except PoolTimeout:
        log.critical("The database did not give this instance its %s connections", POOL_SIZE)
        os._exit(3)
    yield
    await pool.close()


app = FastAPI(lifespan=lifespan)


# "async with" borrows a connection and gives it back at the end of the block, errors or not.
async def query(sql, params):
    async with pool.connection() as connection:
        cursor = await connection.execute(sql, params)
        return await cursor.fetchall()


@app.exception_handler(PoolTimeout)
async def no_connection(request: Request, error: PoolTimeout):
    log.error("%s %s: %s", request.method, request.url.path, error)
    return JSONResponse({"error": "no database connection"}, 500)


# ------------------------------------------------------------------ THE CATALOGUE

# @app.get("/...") ties an address to the function below it. Parts in {braces} and everything
# behind a "?" arrive as its parameters; the dictionary it returns ("-> dict") is sent as JSON.


@app.get("/products")
async def category_page(category: int) -> dict:
    rows = await query(
        """
        SELECT id, name, price_cents, stock
        FROM products
        WHERE category_id = %s
        ORDER BY name
        LIMIT 20
        """,
        (category,),
    )
    return {"products": rows}


@app.get("/products/{product_id}")
async def one_product(product_id: int) -> dict:
    rows = await query(
        "SELECT id, category_id, name, price_cents, stock FROM products WHERE id = %s",
        (product_id,),
    )
    if not rows:
        raise HTTPException(404, "no such product")
    return rows[0]


# FastAPI reads the JSON body of a request into such a class and answers 422 if it does not fit.
class NewSale(BaseModel):
    receipt: str = Field(min_length=1, max_length=40)
    product_id: int
    quantity: int = Field(ge=1, le=100)


# A sale is written down, taken off the stock, and counted in the current week (the 52nd). A
# transaction makes all of it happen, or nothing.
@app.post("/sales", status_code=201)
async def sell(sale: NewSale) -> dict:
    async with pool.connection() as connection, connection.transaction():
        try:
            cursor = await connection.execute(
                "INSERT INTO sales (receipt, product_id, quantity) VALUES (%s, %s, %s) RETURNING id",
                (sale.receipt, sale.product_id, sale.quantity),
            )
        except ForeignKeyViolation:
            raise HTTPException(404, "no such product")
        row = await cursor.fetchone()
        await connection.execute(
            """
            UPDATE products
            SET stock = stock - %s, sold_per_week[52] = sold_per_week[52] + %s
            WHERE id = %s
            """,
            (sale.quantity, sale.quantity, sale.product_id),
        )
    return row


# ------------------------------------------------------------------ THE REPORT


# Which 20 products of a category will run out first? One quick question to the database, and then
# a lot of arithmetic.
reports = {}


@app.get("/report")
async def report(category: int) -> dict:
    if category in reports:
        return reports[category]
    rows = await query(
        "SELECT id, name, stock, sold_per_week FROM products WHERE category_id = %s",
        (category,),
    )
    if not rows:
        raise HTTPException(404, "no such category")
    # In a thread beside, so that the app can go on answering others meanwhile. But it is the same
    # processor that does both.
    reports[category] = {
        "category": category,
        "products": await run_in_threadpool(first_to_run_out, rows),
    }
    return reports[category]


def first_to_run_out(products):
    for product in products:
        product["next_week"] = forecast(product.pop("sold_per_week"))
    products.sort(key=lambda each: (each["stock"] / max(each["next_week"], 0.1), each["id"]))
    return products[:20]


# Exponential smoothing after Holt: follow the weeks with a level and a trend, which each new week
# moves a little. How much "a little" is differs from product to product, so we try a few, and
# believe the pair that would have foretold the past year best.
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
TRENDS = (0.05, 0.1, 0.2, 0.3, 0.4)
RATES = [(level, trend) for level in LEVELS for trend in TRENDS]


def forecast(weeks):
    best_miss = best = None
    for level_rate, trend_rate in RATES:
        level, trend, missed = float(weeks[0]), 0.0, 0.0
        for sold in weeks[1:]:
            expected = level + trend
            missed += (sold - expected) ** 2
            new_level = expected + level_rate * (sold - expected)
            trend += trend_rate * (new_level - level - trend)
            level = new_level
        if best_miss is None or missed < best_miss:
            best_miss, best = missed, level + trend
    return round(best, 1)


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


# A middleware wraps every request: it runs before and after the function that answers it.
@app.middleware("http")
async def measure(request: Request, call_next):
    start = time.perf_counter()
    status = 500
    try:
        response = await call_next(request)
        status = response.status_code
        return response
    finally:
        # The template, "/products/{product_id}", not the address that was asked for:
        # 12,000 products must not become 12,000 time series.
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
