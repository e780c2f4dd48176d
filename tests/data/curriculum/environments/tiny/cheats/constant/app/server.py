from fastapi import FastAPI, Response

app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/items")
def items(category: str = "category-1") -> list[dict[str, object]]:
    return [{"id": n, "price": n} for n in range(20)]


@app.post("/items", status_code=201)
def add(item: dict[str, object]) -> dict[str, int]:
    return {"id": 1}


@app.get("/metrics")
def metrics() -> Response:
    return Response("", media_type="text/plain")
