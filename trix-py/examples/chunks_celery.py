"""Encodes a film in chunks with Celery. A chunk whose worker died goes back into the queue.

celery -A chunks_celery worker --concurrency 2
python chunks_celery.py master.mov copy.mkv chunks

CELERY_BROKER and CELERY_RESULTS are the addresses of the queue and of the results.
"""

import json
import os
import sys
from typing import Any

import trix
from celery import Celery  # pyright: ignore[reportMissingTypeStubs]

app: Any = Celery("chunks_celery", broker=os.environ["CELERY_BROKER"], backend=os.environ["CELERY_RESULTS"])
if app.conf.broker_url.startswith("filesystem:"):
    folder = os.environ["CELERY_FOLDER"]
    app.conf.broker_transport_options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}
# Celery has no types.
task: Any = app.task


@task(acks_late=True, reject_on_worker_lost=True)
def encode_chunk(plan: dict[str, Any], number: int, store: str) -> str:
    """Encodes one chunk."""
    chunk = trix.encode_chunk(trix.Plan.from_dict(plan), number, store)
    return f"frames {chunk.start} to {chunk.end}: {'encoded' if chunk.is_new else 'kept'}"


def encode(source: str, target: str, store: str) -> trix.Report:
    """Divides the film, has its chunks encoded, and joins them."""
    job = {"source": {"path": source}, "outputs": [{"path": target, "video": {"type": "x265", "crf": 24}}]}
    plan = trix.plan_chunks(job)
    assert plan.chunks is not None
    sent = json.loads(json.dumps(plan.to_dict()))
    # The queue has all chunks at once; any number of workers takes them.
    told: list[Any] = [encode_chunk.delay(sent, number, store) for number in range(len(plan.chunks.ranges))]
    for chunk in told:
        print(chunk.get(), flush=True)
    return trix.stitch(plan, store)


if __name__ == "__main__":
    print(encode(*sys.argv[1:]).outputs[0].path)
