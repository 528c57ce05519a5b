"""A laboratory's own clips: 100 frames a second, one folder per clip, one table.

Images: `MyLab/raw/p01/clip_003/frame0001.png`. Table: `MyLab_labels.xlsx`, with the headings below on any row.
"""

import re

from common.corpora import tables
from common.corpora.tables import Documented
from common.corpora.trees import Layout, Root
from common.types import Corpus

LAYOUT = Layout(
    corpus="mylab",
    title="My lab",
    citation="",
    fps=100.0,
    folders=(("raw", "MyLab/raw"),),
    subject=re.compile(r"p([0-9]+)", re.IGNORECASE),
    clip=re.compile(r"clip_[0-9]+"),
    subject_id="p{:02d}",
    tables=("MyLab_labels*.xlsx",),
    headings={
        "subject": "Participant",
        "clip": "Clip",
        "onset": "First frame",
        "apex": "Peak frame",
        "offset": "Last frame",
        "action_units": "Action units",
        "emotion": "Emotion",
    },
)
DOCUMENTED = (Documented("our own count", 2, 2, {"happiness": 1, "surprise": 1}),)


def load(root: Root, images: str = "raw") -> Corpus:
    """The corpus in the folder `root`. Raises UserError if the table or the images are missing."""
    return tables.load(LAYOUT, root, images)
