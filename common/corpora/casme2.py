"""CASME II: 200 frames per second, 640x480, 26 subjects, 255 clips.

Images: `CASME2_RAW_selected/sub01/EP02_01f/img46.jpg`, `Cropped/sub01/EP02_01f/reg_img46.jpg`, or the whole recordings
`CASME2-RAW/sub01/EP02_01f/img1.jpg`, whose frames from onset to offset are the clip. Folders of other names are
recognised by subjects, clips and images such as these, and so are videos `sub01/EP02_01f.avi`, whose frames are counted
from 1 like those of whole recordings.
Table: `CASME2-coding-*.xlsx`. The table of 2019 changes three clips of sub24 from sadness to surprise. One apex is
printed `/` (sub04 EP12_01f); one equals the onset and counts as unknown, four equal the offset and are used.
"""

import re

from common.corpora import tables
from common.corpora.tables import Documented
from common.corpora.trees import Claim, Glimpse, Layout, Oddity, Root, unlike
from common.types import Corpus

_FRAME = re.compile(r"(?:reg_)?img[0-9]+\..*", re.IGNORECASE)
_AT_THE_OFFSET = "the apex is the offset; used as printed"


def _recognise(glimpse: Glimpse) -> Claim | None:
    images, videos = glimpse.images(LAYOUT), glimpse.videos(LAYOUT)
    if not images and not videos:
        return None
    odd = unlike(_FRAME, images)
    doubt = f"its images are named like {odd}, not like img46.jpg or reg_img46.jpg" if odd else ""
    return Claim({"raw": "CASME2_RAW_selected", "cropped": "Cropped"}, doubt)


LAYOUT = Layout(
    corpus="casme2",
    title="CASME II",
    citation=(
        "W.-J. Yan, X. Li, S.-J. Wang, G. Zhao, Y.-J. Liu, Y.-H. Chen, X. Fu. CASME II: An improved spontaneous "
        "micro-expression database and the baseline evaluation. PLoS ONE 9(1), e86041, 2014."
    ),
    fps=200.0,
    folders=(
        ("raw", "CASME2_RAW_selected"),
        ("raw", "CASME2-RAW"),
        ("raw", "CASME2"),
        ("cropped", "Cropped"),
        ("cropped", "CASME2_Cropped"),
    ),
    subject=re.compile(r"sub([0-9]+)", re.IGNORECASE),
    clip=re.compile(r"EP[0-9].*", re.IGNORECASE),
    subject_id="sub{:02d}",
    tables=("CASME2*coding*.xlsx", "CASMEII*coding*.xlsx"),
    headings={
        "subject": "Subject",
        "clip": "Filename",
        "onset": "OnsetFrame",
        "apex": "ApexFrame",
        "offset": "OffsetFrame",
        "action_units": "Action Units",
        "emotion": "Estimated Emotion",
    },
    recognise=_recognise,
    example="sub01/EP02_01f/img46.jpg",
    size=(640, 480),
    oddities={
        "casme2/sub05/EP09_05f": Oddity("onset", False, "the apex is the onset, where no movement has begun"),
        "casme2/sub05/EP16_04f": Oddity("offset", True, _AT_THE_OFFSET),
        "casme2/sub12/EP09_06": Oddity("offset", True, _AT_THE_OFFSET),
        "casme2/sub20/EP16_01": Oddity("offset", True, _AT_THE_OFFSET),
        "casme2/sub25/EP18_04f": Oddity("offset", True, _AT_THE_OFFSET),
    },
)
_UNMOVED = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "fear": 2}
DOCUMENTED = (
    Documented("table of 2014", 255, 26, {**_UNMOVED, "surprise": 25, "sadness": 7}),
    Documented("table of 2019", 255, 26, {**_UNMOVED, "surprise": 28, "sadness": 4}),
)


def load(root: Root, images: str = "raw") -> Corpus:
    """Load the corpus below `root`; `images` "raw" or "cropped" is preferred. UserError without table or images."""
    return tables.load(LAYOUT, root, images)
