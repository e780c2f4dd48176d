"""Another team's service: how many there are of something, and a long list."""

from fastapi import FastAPI, Response

app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/level")
def level() -> dict[str, int]:
    return {"level": 12}


@app.get("/list")
def listing(size: int) -> Response:
    return Response(b"x" * size)
