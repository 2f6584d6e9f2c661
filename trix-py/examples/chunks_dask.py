"""Encodes a film in chunks on a Dask cluster. Dask starts a worker that died again, and repeats its chunk.

python chunks_dask.py master.mov copy.mkv chunks [scheduler]
"""

import sys
from typing import Any

import trix
from distributed import Client, as_completed


def encode(source: str, target: str, store: str, scheduler: str | None = None) -> trix.Report:
    """Divides the film, encodes its chunks on the workers of `scheduler`, and joins them.

    Without a scheduler, two processes of this machine do the work.
    """
    job = {"source": {"path": source}, "outputs": [{"path": target, "video": {"type": "x265", "crf": 24}}]}
    plan = trix.plan_chunks(job)
    assert plan.chunks is not None
    # Dask has no types.
    client: Any = Client(scheduler) if scheduler else Client(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with client:
        sent = client.scatter(plan, broadcast=True)
        numbers = range(len(plan.chunks.ranges))
        futures = [client.submit(trix.encode_chunk, sent, number, store) for number in numbers]
        finished: Any = as_completed(futures)
        for future in finished:
            chunk: trix.EncodedChunk = future.result()
            print(f"frames {chunk.start} to {chunk.end}: {'encoded' if chunk.is_new else 'kept'}", flush=True)
    return trix.stitch(plan, store)


if __name__ == "__main__":
    print(encode(*sys.argv[1:]).outputs[0].path)
