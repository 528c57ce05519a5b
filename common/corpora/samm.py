"""SAMM, micro-expressions: 200 frames per second, greyscale, 29 subjects, 159 clips.

Images: `SAMM/006/006_1_2/006_05562.jpg`, padded to four or five digits depending on the clip, or crops in
`SAMM_CROP/...`. Folders of other names are recognised by subjects, clips and images such as these. Frames are counted
from the start of the recording.
Table: `SAMM_Micro_FACS_Codes_v2.xlsx`; its header is below a title block. Two apexes are outside their clip (028_4_1,
032_3_1) and one is right after the onset (032_3_2); published repairs differ, so these apexes count as unknown.
"""

import re

from common.corpora import tables
from common.corpora.tables import Documented
from common.corpora.trees import Claim, Glimpse, Layout, Oddity, Root, unlike
from common.types import Corpus

_FRAME = re.compile(r"[0-9]{3}_[0-9]{4,5}\..*")


def _recognise(glimpse: Glimpse) -> Claim | None:
    images = glimpse.images(LAYOUT)
    if not images or not all(clip[-2].startswith(clip[0]) for clip in glimpse.clips if len(clip) > 2):
        return None
    odd = unlike(_FRAME, images)
    doubt = f"its images are named like {odd}, not like 006_05562.jpg" if odd else ""
    return Claim({"raw": "SAMM", "cropped": "SAMM_CROP"}, doubt)


LAYOUT = Layout(
    corpus="samm",
    title="SAMM",
    citation=(
        "A. K. Davison, C. Lansley, N. Costen, K. Tan, M. H. Yap. SAMM: A spontaneous micro-facial movement dataset. "
        "IEEE Transactions on Affective Computing 9(1), 116-129, 2018."
    ),
    fps=200.0,
    folders=(("raw", "SAMM"), ("raw", "SAMM_Micro"), ("cropped", "SAMM_CROP"), ("cropped", "SAMM_Cropped")),
    subject=re.compile(r"([0-9]{3})"),
    clip=re.compile(r"[0-9]{3}_[0-9]+_[0-9]+"),
    subject_id="{:03d}",
    tables=("SAMM*Micro*FACS*.xlsx", "SAMM_20*.xlsx"),
    headings={
        "subject": "Subject",
        "clip": "Filename",
        "onset": "Onset Frame",
        "apex": "Apex Frame",
        "offset": "Offset Frame",
        "action_units": "Action Units",
        "emotion": "Estimated Emotion",
    },
    recognise=_recognise,
    example="006/006_1_2/006_05562.jpg",
    size=(960, 650),
    oddities={
        "samm/028/028_4_1": Oddity("outside", False, "the apex is after the offset; others use 1100, 1105 or 1113"),
        "samm/032/032_3_1": Oddity("outside", False, "the apex is before the onset; others use 4930 or 4945"),
        "samm/032/032_3_2": Oddity(
            "onset+1", False, "the apex is one frame after the onset, too early for any movement"
        ),
    },
)
_EMOTIONS = {"anger": 57, "other": 26, "happiness": 26, "surprise": 15, "contempt": 12}
DOCUMENTED = (Documented("table of the release", 159, 29, {**_EMOTIONS, "disgust": 9, "fear": 8, "sadness": 6}),)


def load(root: Root, images: str = "raw") -> Corpus:
    """Load the corpus below `root`; `images` "raw" or "cropped" is preferred. UserError without table or images."""
    return tables.load(LAYOUT, root, images)
