"""One family of errors, written for the person at the screen.

Every message says what is wrong, in which file, row or field, and what to do about it. Pages and the
command line catch :class:`PairxError` and nothing else, so that a bug still surfaces as a bug.
"""

from __future__ import annotations


class PairxError(Exception):
    """Base of all errors that a user can act on."""


class CatalogueError(PairxError):
    """A catalogue cannot be read: the file, its columns, or every one of its rows."""


class PhotoError(PairxError):
    """A single photo cannot be used: missing, empty, damaged, too large, not a picture."""


class ModelError(PairxError):
    """A model cannot be loaded, or does not do what an embedder must."""


class ExplanationError(PairxError):
    """A pair cannot be explained: unknown layer, unsupported module, pictures that do not fit."""


class DecisionLogError(PairxError):
    """The decisions file cannot be read or written, or is not ours."""


class SettingsError(PairxError):
    """A setting (environment variable or option) has a value that cannot be used."""


class SessionError(PairxError):
    """An expert session cannot be made, found or changed, or the visitor may not do this in it."""


class ExportError(PairxError):
    """Identities cannot be written for another program: nothing fits its format, or a package is missing."""


class ClusterError(PairxError):
    """Work cannot be done on a cluster: it cannot be reached, its computers differ from this one, or were lost."""


class RetrievalError(PairxError):
    """Embeddings cannot be kept, read or searched: the folder, its format, or another model's."""


class FieldPackError(PairxError):
    """A field pack cannot be written, or not into this folder; or something of it is missing."""


class StoryError(PairxError):
    """A story for the Showcase cannot be made, read or shown."""
