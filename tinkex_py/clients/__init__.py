"""Clients for users: state, and one operation per method, for blocking and async programs from one text.

How a method comes to be
    operation                    one method, two worlds: it blocks, or it is awaitable
    opened, context              a client that a program opens, and what all clients of one service share
    promises, watching, work     results to come, the observers of a client, and what `execute` takes

The clients
    service                      where every program begins
    training, runs, states       a model in training, what is known of it, and how it is saved and loaded
    sampling, samplers           samples, and samplers taken to another process
    rest, checkpoints, sessions  what there is: listed, managed and fetched
    admin                        what an organization did and used
    copies, downloads            operations that several clients have: checkpoints copied, and brought to this machine
"""
