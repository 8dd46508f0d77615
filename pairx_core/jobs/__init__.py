"""Many like steps of work, done side by side: on this computer, or on a cluster."""

from pairx_core.jobs.runner import LocalRunner, Runner

__all__ = ["LocalRunner", "Runner"]
