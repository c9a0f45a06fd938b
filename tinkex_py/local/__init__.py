"""The embedded engine: a tiny transformer that trains and samples in the process, and the Tinker server around it.

The engine: arrays and files, and nothing of a server
    engine                              all that a server calls
    architecture                        the sizes of the model
    transformer, attention              the model itself: forward, and backward by hand
    lora, model, checkpoint             adapters, a model in training, and its folder on disk
    losses, examples                    what a step is given, and the losses it may ask for
    training, adam                      a step: its gradient, and the update
    choosing, decoding, sampling        a sample: the next token, one after another, whole continuations
    tokenizer, bases                    bytes as tokens, and the base models
    corpus, pretraining                 how the one that ships was made

The server: a request in, an answer out, and work for the engine in between
    server, routes, state               what handles a request, the table of endpoints, and what the server knows
    incoming, bodies, arrays, answers   requests and answers as values
    sessions, creation, steps, batches  sessions, models, and their steps
    samples, polls, completions         samples, and questions for results
    catalog, files, pages               runs and checkpoints, listed, managed and downloaded
    accounts, usage                     whose key it is, and what was used
    sequence, turns, promises, shelf    the order of steps and of sessions, promised results, and samplers' weights
    store, records                      what is on disk
    signer, links                       addresses that need no credential

Where it runs
    transport, worker                   in the client's process, with a thread that works
    asgi, signals                       on a port, until it is told to end
    threads, temporary                  one thread for matrices, and temporary folders
"""
