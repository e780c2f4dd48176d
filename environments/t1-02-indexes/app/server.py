"""The shop: a small web API in front of one PostgreSQL database.

Everything a customer does ends up in one of the functions under ROUTES. Each of them sends
one SQL statement to the database and turns the answer into JSON.
"""

import os
import time

from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field

# ------------------------------------------------------------------ DATABASE CONNECTION

# A pool keeps a few connections open and lends them out, one per request. Who has waited for
# one for 20 seconds gets an error.
# dict_row: each row arrives as a dictionary, {"id": 7, "name": ...}, not as a bare tuple.
pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=4,
    max_size=16,
    timeout=20,
    kwargs={"autocommit": True, "row_factory": dict_row},
    open=False,
)


# FastAPI runs the part before "yield" when the server starts, the part after it when it stops.
@asynccontextmanager
async def lifespan(app):
    await pool.open(wait=True)
    yield
    await pool.close()


app = FastAPI(lifespan=lifespan)


# "async with" borrows a connection and gives it back at the end of the block, errors or not.
async def query(sql, params):
    async with pool.connection() as connection:
        cursor = await connection.execute(sql, params)
        return await cursor.fetchall()


# ------------------------------------------------------------------ ROUTES

# @app.get("/...") ties an address to the function below it. Parts in {braces} and everything
# behind a "?" arrive as its parameters; the dictionary it returns ("-> dict") is sent as JSON.

LIST = 24  # products in a list
HISTORY = 20  # orders in a history


# The budget list: the best that a category has up to a price, most expensive first.
# Two products can cost the same, so the id decides which of them comes first.
@app.get("/products")
async def budget_list(category: int, max_price: int) -> dict:
    rows = await query(
        """
        SELECT id, name, price_cents
        FROM products
        WHERE category_id = %s AND price_cents <= %s
        ORDER BY price_cents DESC, id DESC
        LIMIT %s
        """,
        (category, max_price * 100, LIST),
    )
    return {"products": rows}


# The category list: what is new?
@app.get("/categories/{category_id}/products")
async def category_list(category_id: int) -> dict:
    rows = await query(
        """
        SELECT id, name, price_cents, created_at
        FROM products
        WHERE category_id = %s
        ORDER BY created_at DESC
        LIMIT %s
        """,
        (category_id, LIST),
    )
    return {"products": rows}


# The order history ("my orders"): the latest first.
@app.get("/customers/{customer_id}/orders")
async def order_history(customer_id: int) -> dict:
    rows = await query(
        """
        SELECT id, product_id, quantity, total_cents, created_at
        FROM orders
        WHERE customer_id = %s
        ORDER BY created_at DESC
        LIMIT %s
        """,
        (customer_id, HISTORY),
    )
    return {"orders": rows}


@app.get("/products/{product_id}")
async def product(product_id: int) -> dict:
    rows = await query(
        "SELECT id, category_id, name, price_cents FROM products WHERE id = %s",
        (product_id,),
    )
    if not rows:
        raise HTTPException(404, "no such product")
    return rows[0]


# FastAPI reads the JSON body of a request into such a class and answers 422 if it does not fit.
class NewOrder(BaseModel):
    customer_id: int
    product_id: int
    quantity: int = Field(ge=1, le=100)


@app.post("/orders", status_code=201)
async def place_order(order: NewOrder) -> dict:
    try:
        rows = await query(
            """
            INSERT INTO orders (customer_id, product_id, quantity, total_cents)
            SELECT %s, id, %s, %s * price_cents
            FROM products
            WHERE id = %s
            RETURNING id, total_cents
            """,
            (order.customer_id, order.quantity, order.quantity, order.product_id),
        )
    except ForeignKeyViolation:
        raise HTTPException(404, "no such customer")
    if not rows:
        raise HTTPException(404, "no such product")
    return rows[0]


class NewProduct(BaseModel):
    category_id: int
    name: str = Field(min_length=1, max_length=200)
    price_cents: int = Field(gt=0, le=100_000_000)


@app.post("/products", status_code=201)
async def add_product(new: NewProduct) -> dict:
    try:
        rows = await query(
            """
            INSERT INTO products (category_id, name, price_cents)
            VALUES (%s, %s, %s)
            RETURNING id
            """,
            (new.category_id, new.name, new.price_cents),
        )
    except ForeignKeyViolation:
        raise HTTPException(404, "no such category")
    return rows[0]


class NewPrice(BaseModel):
    price_cents: int = Field(gt=0, le=100_000_000)


@app.put("/products/{product_id}/price")
async def change_price(product_id: int, new: NewPrice) -> dict:
    rows = await query(
        "UPDATE products SET price_cents = %s WHERE id = %s RETURNING id, price_cents",
        (new.price_cents, product_id),
    )
    if not rows:
        raise HTTPException(404, "no such product")
    return rows[0]


# ------------------------------------------------------------------ METRICS

latency = Histogram(
    "http_request_duration_seconds",
    "Time from the first byte of a request to its answer",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
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
        # The template, "/products/{product_id}", not the address that was asked for:
        # 300,000 products must not become 300,000 time series.
        route = request.scope.get("route")
        latency.labels(request.method, route.path if route else "unknown", status).observe(
            time.perf_counter() - start
        )


@app.get("/health")
async def health() -> dict:
    await query("SELECT 1", ())
    return {"status": "ok"}


@app.get("/metrics")
async def metrics():
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
