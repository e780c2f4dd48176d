"""The push service: it makes phones buzz.

It stands for a service that another company runs. Nobody at Murmur can change it, and it takes its
time: about 0.3 seconds for each post, however many posts come at once.
"""

import asyncio

from fastapi import FastAPI
from pydantic import BaseModel

TAKES_S = 0.3

app = FastAPI()
announced = set()


class Announcement(BaseModel):
    post_id: int


@app.post("/announcements", status_code=202)
async def announce(new: Announcement) -> dict:
    await asyncio.sleep(TAKES_S)
    announced.add(new.post_id)
    return {"post_id": new.post_id}


@app.get("/announcements/{post_id}")
async def was_announced(post_id: int) -> dict:
    return {"announced": post_id in announced}


@app.get("/health")
async def health() -> dict:
    return {"status": "ok"}
