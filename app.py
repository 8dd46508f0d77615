"""PAIR-X Review: the entry. Start it with ``streamlit run app.py``."""

from __future__ import annotations

import importlib
import sys
import time

import streamlit as st

from pages.components import navigation, styles

st.set_page_config(
    page_title="PAIR-X Review",
    page_icon=str(styles.ICON),
    layout="wide",
    initial_sidebar_state=240,
)
styles.apply()
page = navigation.page()
notice = st.empty()  # always, so that what follows keeps its place on the page from run to run
if "pages.components.opening" not in sys.modules:  # the first page after a start waits a moment for it
    notice.html('<div class="px-starting">Starting PAIR-X Review …</div>')
    time.sleep(0.1)  # the import keeps all threads waiting: let the notice go out before it
    importlib.import_module("pages.components.opening")
    notice.empty()
page.run()
