from pipelines.api import *  # noqa: F403 (its `__all__` is the only list of the names)

__version__: str
