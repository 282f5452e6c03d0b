"""An image is what its bytes are, and loses what may tell of a person; nothing else is taken."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.pictures import KINDS, SCRIPT, SECRET, avif, gif, jpeg, png, webp

from byleave.server.image_bytes import MOST_SIDE, Flaw, ImageError, cleaned


def flaw_of(data: bytes) -> Flaw | None:
    try:
        cleaned(data)
    except ImageError as error:
        return error.flaw
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_known_by_its_bytes_and_stays_as_it_is(kind: str) -> None:
    data = KINDS[kind]()

    assert cleaned(data) == (kind, 24, 16, data)


@pytest.mark.parametrize("notes", [SECRET, SCRIPT])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "avif"])
def test_what_is_no_picture_is_left_out(kind: str, notes: bytes) -> None:
    noted = KINDS[kind](notes=notes)
    kept = cleaned(noted).data

    assert noted.count(notes) >= 2
    assert notes not in kept
    assert cleaned(kept).data == kept
    if kind != "webp":  # whose extended form says its size once more
        assert kept == KINDS[kind]()


@pytest.mark.parametrize(
    ("turned", "straight", "longer"),
    [
        (jpeg(notes=SECRET, turned=6), jpeg(), 36),
        (png(notes=SECRET, turned=8), png(), 38),
        (webp(notes=SECRET, turned=6), webp(notes=SECRET), 34),
        (webp(notes=SECRET, turned=3, start=b"Exif\0\0"), webp(notes=SECRET), 34),
    ],
    ids=["jpg", "png", "webp", "webp as older programs write it"],
)
def test_a_photo_stays_the_right_way_up_without_the_rest_of_its_exif(
    turned: bytes, straight: bytes, longer: int
) -> None:
    picture = cleaned(turned)

    assert len(picture.data) == len(cleaned(straight).data) + longer
    assert picture.data.upper().count(b"EXIF") == 1
    assert SECRET not in picture.data
    assert cleaned(picture.data) == picture


def test_a_turned_photo_is_as_wide_as_browsers_show_it() -> None:
    assert cleaned(jpeg(notes=SECRET, turned=6))[1:3] == (16, 24)
    assert cleaned(png(notes=SECRET, turned=8))[1:3] == (16, 24)
    assert cleaned(jpeg(notes=SECRET, turned=3))[1:3] == (24, 16)


def test_an_extended_webp_announces_no_notes() -> None:
    kept = cleaned(webp(notes=SECRET)).data

    assert kept[12:16] == b"VP8X"
    assert kept[20] == 0
    assert int.from_bytes(kept[4:8], "little") + 8 == len(kept)


def test_an_avif_with_notes_or_in_motion_is_refused_whole() -> None:
    moving = pack(">I", 8) + b"moov"

    assert flaw_of(avif(notes=SECRET)) is Flaw.NOTES
    assert flaw_of(avif() + moving) is Flaw.NOTES
    assert flaw_of(avif().replace(b"\0\0\0\x0epitm", b"\0\0\0\x0exml ")) is Flaw.NOTES
    assert flaw_of(avif() + SCRIPT) is Flaw.BROKEN


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        SCRIPT + png(),
        b"%PDF-1.7",
        b"BM" + bytes(60),
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"RIFF\x24\0\0\0WAVEfmt ",
    ],
)
def test_nothing_else_is_an_image(data: bytes) -> None:
    assert flaw_of(data) is Flaw.KIND


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_was_cut_short_is_refused_wherever_that_is(kind: str) -> None:
    data = KINDS[kind]()

    assert {flaw_of(data[:end]) for end in range(len(data))} <= {Flaw.KIND, Flaw.BROKEN}


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=200), st.data())
def test_damage_is_told_and_nothing_else_happens(
    kind: str, damage: bytes, draw: st.DataObject
) -> None:
    data = KINDS[kind]()
    at = draw.draw(st.integers(0, len(data)))
    damaged = data[:at] + damage + data[at + draw.draw(st.integers(0, 20)) :]

    assert flaw_of(damaged) in {None, *Flaw}
    if flaw_of(damaged) is None:
        kept = cleaned(damaged).data
        assert cleaned(kept).data == kept


def test_a_png_whose_checksum_is_wrong_is_refused() -> None:
    assert flaw_of(png().replace(b"IDAT", b"IDAX")) is Flaw.BROKEN


@pytest.mark.parametrize(
    "data",
    [
        png(MOST_SIDE + 1, 1),
        png(2**31 - 1, 2**31 - 1),
        png(6_000, 6_000),
        gif(0xFFFF, 0xFFFF),
        gif().replace(b"," + bytes(4), b",\xff\xff\xff\xff"),
        webp(notes=SECRET).replace(b"\x17\0\0\x0f\0\0", b"\xff\xff\xff\xff\xff\xff"),
    ],
)
def test_what_would_unpack_to_too_many_pixels_is_refused(data: bytes) -> None:
    assert flaw_of(data) is Flaw.PIXELS


def test_a_small_part_hides_no_large_one() -> None:
    thin = webp(notes=SECRET).replace(b"\x17\0\0\x0f\0\0", b"\x16\0\0\xff\xff\xff")
    start = jpeg().index(b"\xff\xc0")
    frame = jpeg()[start : start + 19]
    wide = frame[:5] + b"\xff\xff\xff\xff" + frame[9:]

    assert flaw_of(thin) is Flaw.PIXELS
    assert flaw_of(jpeg().replace(frame, wide + frame)) is Flaw.BROKEN


def test_a_jpeg_may_have_fillers_and_ends_where_it_says() -> None:
    filled = jpeg().replace(b"\xff\xc0", b"\xff\xff\xff\xc0")

    assert cleaned(filled) == cleaned(jpeg())
    assert flaw_of(jpeg()[:20] + b"\0\xd9" + jpeg()[20:]) is Flaw.BROKEN


@pytest.mark.parametrize("data", [png(0, 9), gif(0, 0).replace(b"\x01\0\x01\0", bytes(4))])
def test_an_image_without_pixels_is_refused(data: bytes) -> None:
    assert flaw_of(data) is Flaw.BROKEN
