"""hatchery-core on a CPU, in one process: `python hatchery_on_cpu.py PORT MODEL KEY FOLDER`. JSON only.

Its gateway and its own worker, as they are; nothing of its answers is changed.
"""

from __future__ import annotations

import asyncio
import sys

import torch
import uvicorn
from hatchery.core import local_dev
from hatchery.core.gateway import create_app, set_config
from hatchery.core.worker import GPUWorker

WORKER = "cpu"


async def work(worker: GPUWorker, queue: object, model: str) -> None:
    """Do the jobs of the queue for ever."""
    while True:
        job = await queue.dequeue(worker_id=WORKER, model_filter=model, visibility_timeout=300)
        await (asyncio.sleep(0.02) if job is None else worker._process_one(job))


async def main() -> None:
    """Serve until stopped."""
    port, model, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    config = local_dev._build_config(key)
    set_config(config)
    app = create_app(config=config)
    await config.metadata.initialize()
    await config.queue.initialize()
    worker = GPUWorker(
        worker_id=WORKER,
        base_model_name=model,
        config=config,
        device="cpu",
        dtype=torch.float32,
        attn_implementation="eager",
    )
    await worker.register()
    working = asyncio.create_task(work(worker, config.queue, model))
    settings = uvicorn.Config(app, port=port, log_level="warning", lifespan="off", timeout_graceful_shutdown=3)
    await uvicorn.Server(settings).serve()
    working.cancel()


asyncio.run(main())
