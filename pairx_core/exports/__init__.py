"""Identities for other programs, once the decisions are taken in."""
