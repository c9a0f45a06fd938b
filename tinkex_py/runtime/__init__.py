"""The one place where plans meet network, clock and threads.

From a client to a plan that runs
    opening, thread          from settings to a runtime, which is a thread with one event loop
    executor, strands        what carries out a plan's effects, and the plans inside it with their deadlines
    running                  plans under way, and how blocking and async callers wait for them
    callbacks, computing     functions of others, and long computations, on threads of their own
    forks, memory            what begins anew after a fork, and memory that is given back

From a request to the network
    carriage                 the seam: what any transport takes and gives
    preparing, http          what comes before a request, and the request with its credential as it leaves
    purposes, proxies        what a request is for, and the proxy that it goes through
    pools, lanes, places     connections through httpx: by purpose, one a lane, and whose turn it is
    network, connecting      httpx's network by asyncio's streams, and connections given up while they are made
    fast, exchange, sending  the same through aiohttp, with the extra `fast`
    patience                 time limits that a busy event loop doesn't use up

Besides
    observing, reporting     events on their way to observers, and to the server
    calling                  which method is at work, for statistics
    credentials, files       the stored keys and a command's output; downloads and archives
    tokenizers, tracing      libraries that load when they are used: tokenizers, numpy and torch
"""
