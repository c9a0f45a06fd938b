"""One pure builder per endpoint: arguments in, Request out. Each docstring begins with `METHOD /path`.

By subject
    verbs                        what every builder starts from
    service, telemetry, keys     the server, the session that is opened, what the server is told, and the key
    models, steps, losses        training
    sampling, promises           samples, and the results of all submitted work
    runs, checkpoints, sessions  what there is
    admin                        the audit log, billing, storage
"""
