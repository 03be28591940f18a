"""The common ground of all flows: the unit of work, retries, streams of documents, timers, problems of a request.

It knows none of the other folders."""
