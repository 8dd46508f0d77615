"""Addresses for what a page's own scripts fetch: pictures kept by Streamlit's media server.

Streamlit gives ``st.image`` such addresses and has no public call for a component's. This one module asks its media
manager, as ``st.image`` does. The address names the content, so a browser that has a picture does not fetch it
again; the content is forgotten once no session's last run asked for it.
"""

from __future__ import annotations

import streamlit as st
from streamlit import runtime


def address(content: bytes, mimetype: str, place: str) -> str:
    """The address of some content, for this session, until another content takes its place on the page."""
    path = runtime.get_instance().media_file_mgr.add(content, mimetype, f"pairx-{place}")
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{path}" if base else path
