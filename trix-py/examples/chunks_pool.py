"""Encodes a film in chunks with a pool of processes. A worker that is killed costs one chunk.

python chunks_pool.py master.mov copy.mkv chunks
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import trix


def encode(source: str, target: str, store: str, *, workers: int = 2) -> trix.Report:
    """Divides the film, encodes its chunks in `workers` processes, and joins them."""
    job = {"source": {"path": source}, "outputs": [{"path": target, "video": {"type": "x265", "crf": 24}}]}
    plan = trix.plan_chunks(job)
    assert plan.chunks is not None
    chunks = range(len(plan.chunks.ranges))
    for attempt in range(3):
        # A process that is forked from one in which Trix ran cannot use it.
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(workers, mp_context=context) as pool:
                for chunk in pool.map(partial(trix.encode_chunk, plan, store=store), chunks):
                    print(f"frames {chunk.start} to {chunk.end}: {'encoded' if chunk.is_new else 'kept'}", flush=True)
            break
        except BrokenProcessPool:
            # What the other workers have made is in the store.
            print(f"a worker died in attempt {attempt + 1}", flush=True)
    return trix.stitch(plan, store)


if __name__ == "__main__":
    print(encode(*sys.argv[1:4]).outputs[0].path)
