"""Multi-step work as pure plans: generators that yield effects and return a value.

What plans are made of
    effects, handling           what a plan may ask of the executor, and plans whose effects somebody else sees first
    cells, once, trouble        what plans share: places to wait at, what is done once, what went wrong last

What nearly every operation goes through
    retry, circuit              one request, repeated while that may help, and when nothing is sent at all
    submission, polling         work that the server promises, and the result asked for until it is there
    patience, unknown_fields    how often it is asked for, and fields that a server doesn't know
    startup, authentication     the server's flags and a token, before the first request
    sessions, telemetry         the session with its heartbeat, and what the server is told of the client
    capabilities, identity      what the server can do, and whom the credential stands for

Training
    creation, runs, steps       a model, what is known of its numbers, and the steps that take them
    batches, chunks, estimates  data cut to what a server takes, and put together again
    dialects                    which encoding the server reads them in
    custom, handles             losses of the caller's own, computed here or by the server
    recovery                    going on after the server corrupted a run

Sampling
    sources, samples            where samples come from, and one sample from its submission to its result
    dispatch, abandonment       how many are on their way at once, and those that nobody wants any more
    watching, clones            the results of many asked for together, and samplers in other processes

What there is
    pages, checkpoints, copies  lists, checkpoints by their paths, and copies of them
    exports, downloads          what a server prepares, and files at addresses elsewhere
"""
