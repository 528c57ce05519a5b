"""Workbooks and list files that are damaged, odd or written against the reader."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import trees_on_disk as disk
import trees_on_disk_more as more
from hostile import (
    CELLS,
    HARMS,
    KINDS,
    MEMORY,
    QUICK,
    ROW,
    SQ,
    check,
    mutate,
    outcome,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from common import corpora
from common.corpora import check as corpus_check
from common.corpora import composite
from common.errors import UserError

# ---------------------------------------------------------------- workbooks


def rewrite(table: Path, part: str, change: Callable[[bytes], bytes]) -> None:
    """Change one part of a workbook's archive."""
    with zipfile.ZipFile(table) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(table, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A CASME II of one clip."""
    return disk.write_casme2(tmp_path / "CASME2", [ROW])


def sheet_of(root: Path, change: Callable[[bytes], bytes], part: str = "xl/worksheets/sheet1.xml") -> None:
    rewrite(root / "CASME2-coding-20140508.xlsx", part, change)


@pytest.mark.parametrize(("count", "seconds"), [(10_000, 5), pytest.param(100_000, 10, marks=pytest.mark.slow)])
def test_blank_rows_below_the_table_cost_little(small: Path, count: int, seconds: float) -> None:
    blank = b"".join(b'<row r="%d"><c r="A%d"/></row>' % (k, k) for k in range(3, count + 3))
    sheet_of(small, lambda text: text.replace(b"</sheetData>", blank + b"</sheetData>"))
    begun = time.perf_counter()
    assert len(corpora.load("casme2", small).clips) == 1
    assert time.perf_counter() - begun < seconds


@pytest.mark.parametrize("stated", [b"A1:XFD1048576", b"A1", b"A1:A1", b"Z9:B2", b"nonsense", b""])
def test_the_size_that_a_sheet_states_does_not_count(small: Path, stated: bytes) -> None:
    sheet_of(small, lambda text: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="%s"' % stated, text))
    corpus = outcome("casme2", small)
    assert isinstance(corpus, str) or len(corpus.clips) == 1
    assert not isinstance(corpus, str) or stated in (b"nonsense", b"", b"Z9:B2")


@pytest.mark.parametrize("cell", ["XFD3", "A1048576", "XFD1048576"])
def test_a_stray_cell_far_off_costs_little(small: Path, cell: str) -> None:
    row = re.sub("[A-Z]", "", cell)
    stray = f'<row r="{row}"><c r="{cell}"><v>1</v></c></row></sheetData>'.encode()
    sheet_of(small, lambda text: text.replace(b"</sheetData>", stray))
    code = "import sys; from common import corpora; print(len(corpora.load('casme2', sys.argv[1]).clips))"
    limited = f"ulimit -v 3000000; exec {sys.executable} -c \"{code}\" '{small}'"
    try:
        done = subprocess.run(
            ["bash", "-c", limited],
            capture_output=True,
            text=True,
            timeout=60,  # other tests run next to this one
            cwd=Path(__file__).parent.parent,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.fail(f"one stray cell in {cell} takes more than a minute")
    assert done.stdout.strip() == "1" or "UserError" in done.stderr


def share(root: Path, strings: bytes) -> None:
    """Keep the emotion among the workbook's shared strings, as spreadsheet programs do; `strings` is that part."""
    table = root / "CASME2-coding-20140508.xlsx"
    with zipfile.ZipFile(table, "a") as book:
        book.writestr("xl/sharedStrings.xml", strings)
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind
    rewrite(table, "[Content_Types].xml", lambda text: text.replace(b"</Types>", override))

    def refer(text: bytes) -> bytes:
        text, count = re.subn(rb'<c r="I2"[^>]*>.*?</c>', b'<c r="I2" t="s"><v>0</v></c>', text)
        assert count == 1
        return text

    sheet_of(root, refer)


SHARED = b'%s<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>%s</t></si></sst>'


def test_shared_strings_count(small: Path) -> None:
    share(small, SHARED % (b"", b" Happiness "))
    assert [clip.emotion for clip in corpora.load("casme2", small).clips] == ["happiness"]


def test_a_long_shared_string_is_no_trouble(small: Path) -> None:
    share(small, SHARED % (b"", b"y" * 20_000_000))
    begun = time.perf_counter()
    result = outcome("casme2", small)
    assert isinstance(result, str) or len(result.clips) + len(result.exclusions) == 1
    assert time.perf_counter() - begun < 8


def test_entities_that_multiply_are_refused(small: Path) -> None:
    entities = [f'<!ENTITY e{k} "{f"&e{k - 1};" * 10}">' for k in range(1, 10)]
    share(small, SHARED % (f'<!DOCTYPE sst [<!ENTITY e0 "lol">{"".join(entities)}]>'.encode(), b"&e9;"))
    begun = time.perf_counter()
    assert "not a readable xlsx table" in str(outcome("casme2", small))
    assert time.perf_counter() - begun < 5


def test_external_entities_are_not_fetched(small: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret words")
    share(small, SHARED % (f'<!DOCTYPE sst [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>'.encode(), b"&e;"))
    assert "secret words" not in str(outcome("casme2", small))


@pytest.mark.parametrize("corpus", ["casme2", "casme_sq"])
def test_charts_links_and_hidden_sheets_are_passed_over(tmp_path: Path, corpus: str) -> None:
    from openpyxl.chart import BarChart
    from openpyxl.packaging.relationship import Relationship
    from openpyxl.workbook.external_link.external import ExternalBook, ExternalLink

    if corpus == "casme2":
        table = disk.write_casme2(tmp_path, [ROW]) / "CASME2-coding-20140508.xlsx"
    else:
        table = more.write_casme_sq(tmp_path, "selectedpic", clips=SQ[:1]) / more.SQ_TABLE
    before = corpora.load(corpus, tmp_path)
    book = openpyxl.load_workbook(table)
    book.create_chartsheet("Chart", 0).add_chart(BarChart())
    hidden = book.create_sheet("hidden")
    hidden.sheet_state = "veryHidden"
    hidden["A1"] = "=[1]Sheet1!$A$1"
    link = ExternalLink(externalBook=ExternalBook(id="rId1"))
    link.file_link = Relationship(
        type="externalLinkPath", Target="file:///etc/passwd", TargetMode="External", Id="rId1"
    )
    book._external_links.append(link)
    book.save(table)
    assert len(before.clips) == 1
    assert corpora.load(corpus, tmp_path) == before


@settings(QUICK, max_examples=40, deadline=10_000)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6), st.booleans(), st.floats(0, 1)
)
def test_a_damaged_workbook_is_read_or_refused(flips: list[tuple[float, int]], cut: bool, where: float) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        root = disk.write_casme2(Path(scratch), [ROW])
        table = root / "CASME2-coding-20140508.xlsx"
        content = bytearray(table.read_bytes())
        for at, value in flips:
            content[int(at * (len(content) - 1))] = value
        table.write_bytes(content[: int(where * len(content))] if cut else content)
        result = outcome("casme2", root)
        if not isinstance(result, str):
            check(result, root)


@settings(QUICK, max_examples=40, deadline=10_000)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(list(b'<>/"=&;x9A- '))), min_size=1, max_size=4),
    st.sampled_from(["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"]),
)
def test_a_workbook_of_damaged_xml_is_read_or_refused(flips: list[tuple[float, int]], part: str) -> None:
    def damage(text: bytes) -> bytes:
        content = bytearray(text)
        for at, value in flips:
            content[int(at * (len(content) - 1))] = value
        return bytes(content)

    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        root = disk.write_casme2(Path(scratch), [ROW])
        sheet_of(root, damage, part)
        result = outcome("casme2", root)
        if not isinstance(result, str):
            check(result, root)


# ---------------------------------------------------------------- the list file

WORDS = [
    "casme2",
    "CASMEII",
    "smic",
    "samm",
    "SMIC-HS",
    "sub01",
    "s01",
    "6",
    "EP02_01f",
    "s01_ne_01",
    "006_1_2",
    "0",
    "1",
]
WORDS += [
    "2",
    "3",
    "",
    " ",
    "-1",
    "../../etc/passwd",
    '"',
    '"a\nb"',
    "\x00",
    "\u2028",
    "微",
    "9" * 5000,
    "1.0",
    "٢",
    ";",
    "'",
]
lines = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(",".join), max_size=5).map("\n".join)


def read(content: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        path = Path(scratch) / "combined_3class_gt.csv"
        path.write_bytes(content)
        listed, message = {}, ""
        try:
            listed = composite.read_megc_list(path)
        except UserError as error:
            message = str(error)
    assert bool(listed) != bool(message)
    assert not message or (str(path) in message and len(message.splitlines()) == 1)
    for key, name in listed.items():
        assert name in composite.MEGC2019.classes
        assert len(key.splitlines()) == 1
        assert re.fullmatch(r"(casme2/sub[0-9]{2,4}|smic/s[0-9]+|samm/[0-9]{3,4})/.*", key)


@settings(QUICK, max_examples=150)
@given(lines.map(str.encode) | st.binary(max_size=60))
def test_any_list_file_is_read_or_refused(content: bytes) -> None:
    read(content)


@pytest.mark.parametrize(
    "content",
    [
        b'casme2,1,"a\nb",0\n',
        b'casme2,1,"a\nb",0\ncasme2,1,"a\nb",1\n',
        "casme2,1,a\u2028b,0\n".encode(),
        b"casme2,1,EP02_01f,0\r\ncasme2,1,EP02_01f,1\r\n",
        b"casme2,1," + b"x" * 200_000 + b",0\n",
        b"casme2,\x00,EP02_01f,0\n",
        b"casme2;1;EP02_01f;0\n",
        "casme2,1,EP02_01f,\u0660\n".encode(),
        b"casme2,1,EP02_01f,0\n" * 3,
    ],
)
def test_odd_list_files_are_read_or_refused(content: bytes) -> None:
    read(content)


def test_check_survives_a_wholly_broken_disk(tmp_path: Path) -> None:
    for name, kind in KINDS.items():
        root = tmp_path / name
        kind.write(root)
        kind.table(root, [[cell] * len(kind.rows[0]) for cell in CELLS], random.Random(3))
        for how in HARMS:
            mutate(root / kind.top, how, random.Random(len(how)))
    (tmp_path / "combined_3class_gt.csv").write_bytes(b"\xff")
    report = corpus_check.check(tmp_path)
    assert set(report["corpora"]) >= {"casme2", "samm", "casme_sq"}
