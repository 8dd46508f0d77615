"""The only place that touches a reviewer's session: where they are, what they see, what they typed.

Pages and components say ``state.go(...)``; what belongs together stands in one module of this package.
"""

# ruff: noqa: F401  the modules' functions are this package's

from pages.components.state.controls import (
    advances,
    choose_queries,
    field,
    others_shown,
    take_jump,
)
from pages.components.state.leaving import (
    count_page,
    count_run,
    forget_export,
    keep_card,
    keep_export,
    kept_export,
    made_card,
    page_number,
    session,
    take_messages,
    tell,
)
from pages.components.state.pairs import (
    Typed,
    appear,
    decided,
    decision_id,
    is_current,
    is_held_key,
    is_settled,
    put_back,
    seconds_seen,
    typed,
)
from pages.components.state.places import (
    DECISIONS_PAGE,
    QUERY_PAGE,
    address_of,
    address_with,
    arriving_at,
    dispute_place,
    go,
    page_of_decisions,
    page_of_queries,
    place,
    put_dispute_place,
    put_session_place,
    session_place,
    show_disputes_of,
    show_session,
    shown_dispute_session,
    shown_session,
)
from pages.components.state.sources import (
    at_start,
    check,
    checked,
    follow,
    followed,
    has_lost,
    lose_opened,
    open_source,
    opened,
    resume,
    stay_at_start,
)
from pages.components.state.story import (
    STORY,
    STORY_FILE,
    STORY_PAIRS,
    StoryDraft,
    begin_with_story,
    choose_story,
    keep_story_draft,
    story_draft,
    story_file,
    story_pairs,
    written,
)
from pages.components.state.ticking import (
    hear,
    keep_ticks,
    put_ticks,
    ticked_in,
    ticks,
)
from pages.components.state.viewing import (
    LAYERS,
    VIEWER,
    add_tag,
    drawn,
    heed,
    keep_layers,
    keep_sharp,
    keep_strip,
    keep_three_up,
    layers,
    pick,
    sharp,
    show,
    shown,
    strip_open,
    strip_page,
    takes_whole_page,
    three_up,
    turn_strip,
)
from pages.components.state.visitor import (
    coordinator_keys,
    coordinator_query,
    default_reviewer,
    keep_coordinator_key,
    keep_reviewer,
    reviewer_key,
    typed_reviewer,
)
