"""Two claims files in which everything agrees, for tests that plant one error at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import papers
from common.audit.finding import Finding
from common.contract import Claim

COMPOSITE = """
[[claims]]
experiment = "joint"
variant = "published"
metric = "uar"
source = "Table 2"
printed = { union = "0.8107", casme2 = "0.8083", smic = "0.8111" }

[[claims]]
experiment = "joint"
variant = "published"
metric = "uf1"
source = "Table 2"
printed = { union = "0.8058", casme2 = "0.8198", smic = "0.7944" }

[[claims]]
experiment = "joint"
variant = "published"
metric = "recall_negative"
source = "Figure 5"
printed = { union = "0.857" }

[[claims]]
experiment = "joint"
variant = "published"
metric = "accuracy"
source = "Abstract"
printed = { union = "0.81" }

[[claims]]
experiment = "joint"
variant = "published"
metric = "f1"
source = "Table 2"
printed = { casme2 = "0.8273" }

[[claims]]
experiment = "alone"
variant = "published"
metric = "uar"
source = "Table 3"
printed = { union = "0.7214" }

[[claims]]
experiment = "alone"
variant = "published"
metric = "uf1"
source = "Table 3"
printed = { union = "0.7155" }

[facts]
parameters = 204
highest_recall = "surprise"
beside_largest = ["Abstract"]

[facts.sources]
class_counts = "Table 1"

[facts.class_counts]
casme2 = { negative = 8, positive = 5, surprise = 4 }
smic = { negative = 6, positive = 5, surprise = 4 }
union = { negative = 14, positive = 10, surprise = 8 }

[facts.class_totals]
casme2 = 17
smic = 15
union = 32

[facts.sequences]
casme2 = 20
smic = 15

[facts.participants]
casme2 = 7
smic = 5

[facts.frame_rates]
casme2 = 200

[facts.emotions.casme2]
disgust = 6
repression = 2
happiness = 5
surprise = 4
others = 3

[facts.emotion_numbers]
casme2 = 5
smic = 3

[facts.named_emotions]
smic = ["negative", "positive", "surprise"]

[facts.regrouped.casme2]
negative = ["disgust", "repression"]
positive = ["happiness"]
surprise = ["surprise"]

[[facts.sums]]
what = "blocks"
parts = [6, 6]
total = 36
times = true
source = "Section 3"

[facts.parameter_layers]
source = "Section 4"
what = "two networks"
open = "channels"
values = [1, 3]

[[facts.parameter_layers.parts]]
copies = 2
layers = [
    { kind = "convolution", inputs = "channels", units = 2, size = [3, 3] },
    { kind = "lstm", inputs = 2, units = 2 },
    { kind = "dense", inputs = 2, units = 2 },
]

[[facts.confusions]]
experiment = "joint"
variant = "published"
corpus = "casme2"
classes = ["negative", "positive", "surprise"]
matrix = [[7, 1, 0], [1, 4, 0], [0, 1, 3]]
source = "Table 4"

[[facts.confusions]]
experiment = "joint"
variant = "published"
corpus = "smic"
classes = ["negative", "positive", "surprise"]
percentages = [["83.3", "0", "16.7"], ["20", "60", "20"], ["0", "0", "100"]]
matrix = [[5, 0, 1], [1, 3, 1], [0, 0, 4]]
source = "Table 5"

[[facts.margins]]
source = "Section 5"
table = "Table 2"
corpus = "union"
printed = ["21", "20.5"]

[[facts.leads]]
source = "Section 5"
over = "Old"
metric = "uf1"
printed = { union = "20", casme2 = "20" }

[[facts.above]]
source = "Section 5"
tables = ["Table 2"]

[[facts.repeated]]
source = "Section 6"
table = ["Table 2"]
rows = [["joint", "union", "uar", "0.8107"], ["Old", "casme2", "uar", "0.6167"]]

[[facts.cited_elsewhere]]
paper = "another paper"
source = "Table 2"
rows = [["Old", "casme2", "uf1", "0.6167"]]

[[cited]]
method = "Old"
source = "Table 2"
[cited.printed]
union = { uar = 0.6, uf1 = 0.6 }
casme2 = { uar = 0.6167, uf1 = 0.6167 }

[[cited]]
method = "Older"
source = "Table 8"
[cited.printed]
union = { uar = 0.6881, uf1 = 0.6786 }
casme2 = { uar = 0.7000, uf1 = 0.6889, accuracy = 0.7 }
smic = { uar = 0.6722, uf1 = 0.6646 }
"""

SINGLE = """
[[claims]]
experiment = "net-smic"
variant = "published"
metric = "accuracy"
unit = "%"
source = "Table 2"
printed = { smic = "75.00" }

[[claims]]
experiment = "net-smic"
variant = "published"
metric = "last ten epochs, mean"
unit = "%"
source = "Table 3"
printed = { smic = "70.00" }

[[claims]]
experiment = "net-smic"
variant = "published"
metric = "last ten epochs, deviation"
unit = "%"
source = "Table 3"
printed = { smic = "5.27" }

[[claims]]
experiment = "net-casme2"
variant = "published"
metric = "last ten epochs, deviation"
unit = "%"
source = "Table 3"
printed = { casme2 = "6.00" }

[[claims]]
experiment = "one-first"
variant = "published"
metric = "accuracy"
unit = "%"
source = "Table 4"
printed = { casme2 = "62.0" }

[[claims]]
experiment = "two-first"
variant = "published"
metric = "accuracy"
unit = "%"
source = "Table 4"
printed = { casme2 = "58.0" }

[[claims]]
experiment = "one-second"
variant = "published"
metric = "accuracy"
unit = "%"
source = "Table 4"
printed = { casme2 = "54.0" }

[[claims]]
experiment = "two-second"
variant = "published"
metric = "accuracy"
unit = "%"
source = "Table 4"
printed = { casme2 = "56.0" }

[[claims]]
experiment = "kernels"
variant = "published"
metric = "best epoch, kernel 3x3x3"
unit = "%"
source = "Table 5"
printed = { casme2 = "60" }

[[claims]]
experiment = "kernels"
variant = "published"
metric = "best epoch, kernel 5x5x3"
unit = "%"
source = "Table 5"
printed = { casme2 = "50" }

[[claims]]
experiment = "joint"
variant = "published"
metric = "accuracy"
unit = "%"
source = "Table 9"
printed = { combined = "70.0" }

[[claims]]
experiment = "first-alone"
variant = "published"
metric = "accuracy"
unit = "%"
source = "Table 9"
printed = { casme2 = "66.0" }

[[claims]]
experiment = "second-alone"
variant = "published"
metric = "accuracy"
unit = "%"
source = "Table 9"
printed = { smic = "65.0" }

[facts]
split_percent = [80, 20]
beside_largest = ["Table 2", "Table 4"]

[facts.class_counts]
smic = { negative = 50, positive = 30, surprise = 20 }
casme2 = { negative = 25, positive = 15, surprise = 10 }

[facts.class_totals]
smic = 100

[facts.split_counts.smic]
negative = [40, 10]
positive = [24, 6]
surprise = [16, 4]
total = [80, 20]

[facts.joined]
combined = ["casme2", "smic"]

[facts.micro_expressions]
casme_sq = 50

[facts.recordings.smic]
negative = [5, 10]

[[facts.joined_results]]
joined = "combined"
folds = 5
source = "Table 9"
rows = [{ whole = "joint", parts = { casme2 = "first-alone", smic = "second-alone" } }]

[[facts.more_clips]]
joined = "combined"
folds = 5
more = 100
source = "Section 5"

[[facts.denominators.smic]]
clips = 20
what = "validation clips"
source = "Table 1"

[[facts.seeded_splits]]
corpus = "smic"
labels = { negative = 50, positive = 30, surprise = 20 }
held_out_share = 0.2
seed = 0
source = "Table 1"

[[facts.confusions]]
experiment = "net-smic"
variant = "published"
corpus = "smic"
classes = ["negative", "positive", "surprise"]
matrix = [[9, 1, 0], [2, 4, 0], [1, 1, 2]]
source = "Table 6"

[[facts.folds]]
experiments = ["one-first", "two-first", "one-second", "two-second"]
readings = [
    { what = "mean over five folds of ten", sizes = [10, 10, 10, 10, 10] },
    { what = "share of 7", sizes = [7] },
]

[[facts.networks]]
name = "net"
source = "Table 7"
layers = [
    { kind = "input", output = [8, 8, 8] },
    { kind = "convolution", filters = 2, size = [3, 3, 3], output = [2, 6, 6, 6] },
    { kind = "pooling", size = [3, 3, 3], output = [2, 2, 2, 2] },
    { kind = "flatten", output = [16] },
]

[[facts.differences]]
source = "Section 5, exactly"
rows = [["62.0", "58.0", "4.0"]]

[[facts.differences]]
source = "Section 5, about"
about = true
rows = [["62.0", "54.0", "8.5"]]

[[facts.bounds]]
source = "Section 5"
table = "Table 4"
above = "53"
experiments = ["one-first", "two-first", "one-second", "two-second"]

[[facts.order]]
source = "Section 5"
table = "Table 4"
corpus = "casme2"
metric = "accuracy"
names = ["one-first", "two-first"]

[[facts.wins]]
source = "Section 5"
table = "Table 4"
models = ["one", "two"]
rows = ["first", "second"]
winner = "one"
printed = 1
last = ["second"]
last_source = "Section 5"

[[facts.axes]]
source = "Section 5"
table = "Table 5"
prefix = "best epoch, kernel "
first = [3, 5]
second = [3]
better = { "spatial extent" = "less" }

[[facts.steadier]]
source = "Section 5"
table = "Table 3"
metric = "last ten epochs, deviation"
less = "smic"
more = "casme2"
"""

_TABLE = {"disgust": 6, "repression": 2, "happiness": 5, "surprise": 4, "others": 3}
_SMIC = {"negative": 6, "positive": 5, "surprise": 4}
_CLASSES = {"negative": 50, "positive": 30, "surprise": 20}

KNOWN: dict[str, dict[str, Any]] = {
    "composite": {
        "class_counts": {"casme2": {"negative": 8, "positive": 5, "surprise": 4}},
        "composite_subjects": {"casme2": 6, "smic": 5},
        "emotions": {"casme2": {"a table": _TABLE}, "smic": {"a table": _SMIC}},
        "emotion_names": {
            "casme2": {"a table": list(_TABLE), "an article": list("abcdef")},
            "smic": {"a table": list(_SMIC)},
        },
        "clips": {"casme2": {"a table": 20, "an article": 19}, "smic": {"a table": 15, "Long of an article": 12}},
        "subjects": {"casme2": {"a table": 7, "an article": 9}, "smic": {"a table": 5}},
        "frame_rates": {"casme2": 200.0},
    },
    "single": {
        "emotions": {"smic": {"a table": _CLASSES}},
        "clips": {},
        "subjects": {},
        "micro_expressions": {"casme_sq": 57},
    },
}
"""What `documented` would say of the corpora of the two files."""


def own_checks(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """What the papers' own checks find, paper by paper."""
    for key in papers.available():
        if checks := papers.load(key).checks:
            yield from checks(facts, claims)
