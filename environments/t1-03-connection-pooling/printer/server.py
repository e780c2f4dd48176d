"""The printer in the warehouse.

It stands for the work that a job is about. Nobody at Errands can change it, and it takes its time:
about 0.1 seconds for each sheet, however many come at once. It counts what it prints.
"""

import asyncio
from collections import Counter

from fastapi import FastAPI
from pydantic import BaseModel

TAKES_S = 0.1

app = FastAPI()
printed = Counter()


class Sheet(BaseModel):
    job_id: int


@app.post("/sheets", status_code=201)
async def print_sheet(sheet: Sheet) -> dict:
    await asyncio.sleep(TAKES_S)
    printed[sheet.job_id] += 1
    return {"job_id": sheet.job_id}


# What came out of the printer: how many sheets for each job with a number above "after".
@app.get("/sheets")
async def sheets(after: int = 0) -> dict:
    return {job: count for job, count in printed.items() if job > after}


@app.get("/health")
async def health() -> dict:
    return {"status": "ok"}
