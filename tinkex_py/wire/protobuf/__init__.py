"""The protobuf dialect: batches out, results in, and the same the other way round for a server."""
