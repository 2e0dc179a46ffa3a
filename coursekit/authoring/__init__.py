"""For authors: keeping a notebook in step with its lesson, and running it.

`coursekit author cpas-06` is the one way in which a notebook gets its exercises and its outputs.
"""

from coursekit.authoring.notebook import (
    author,
    cleaned,
    executed,
    problems,
    read,
    refreshed,
    solved,
    text_outputs,
    write,
)

__all__ = ["author", "cleaned", "executed", "problems", "read", "refreshed", "solved", "text_outputs", "write"]
