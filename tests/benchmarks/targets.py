"""What is aimed at: how many times cheaper than the official SDK each scenario's figure shall be."""

from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """A figure of a scenario, and the least ratio (official / ours) with httpx alone and with the extra `fast`."""

    scenario: str
    figure: str
    httpx: float
    fast: float


TARGETS = (
    Target("sample_2000_async", "cpu_us", 2, 6),
    Target("sample_2000_blocking", "cpu_us", 2, 6),
    Target("sample_2000_work_2s", "wall_s", 2, 3.8),
    Target("sample_200x16", "cpu_us", 2, 4.5),
    Target("sample_prompt_32k", "cpu_us", 4, 8),
    Target("optim_step", "p50_ms", 1.3, 3),
    Target("forward_backward_128x4096", "call_ms", 2, 4.5),
    Target("forward_backward_8x32768", "call_ms", 2.5, 6),
    Target("forward_backward_1024x256", "call_ms", 2, 3),
    Target("numpy_128x4096", "both_ms", 3, 5),
    Target("list_checkpoints_2000", "cpu_us", 3, 5.5),
    Target("image_2mb", "cpu_us", 2.5, 3.7),
    Target("image_2mb", "growth_mb", 2.5, 5),
    Target("build_datum", "lists_us", 2.4, 2.4),
    Target("import", "wall_ms", 4, 4),
    Target("installed", "megabytes", 312 / 25, 312 / 45),
)
