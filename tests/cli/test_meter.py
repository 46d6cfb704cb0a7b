import numpy as np
import pytest

from antiphon.cli.meter import FLOOR, Gauge, level, meter_line

GAUGE = Gauge(out_level=-12.0, in_level=-30.0, elapsed=65.0, round_trip=0.0123)


def test_a_full_square_wave_has_0_dbfs() -> None:
    assert level(np.full(480, -32768, "<i2").tobytes()) == pytest.approx(0.0)


def test_half_the_amplitude_is_6_db_less() -> None:
    assert level(np.full(480, 16384, "<i2").tobytes()) == pytest.approx(-6.02, abs=0.01)


@pytest.mark.parametrize("pcm", [b"", bytes(960), np.full(480, 1, "<i2").tobytes()])
def test_silence_is_the_floor(pcm: bytes) -> None:
    assert level(pcm) == FLOOR


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", range(121))
def test_the_line_fits_every_width(width: int, unicode: bool) -> None:
    assert len(meter_line(GAUGE, width, unicode=unicode)) <= width


def test_at_80_columns_all_is_shown() -> None:
    line = meter_line(GAUGE, 79)
    for part in ("out ", "-12 dB", "in ", "-30 dB", "1:05", "12.3 ms"):
        assert part in line


@pytest.mark.parametrize(
    ("width", "shown", "gone"),
    [
        (46, ("-12 dB", "1:05"), ("ms",)),
        (30, ("out", "1:05"), ("dB", "ms")),
        (6, ("1:05",), ("o",)),
    ],
)
def test_the_least_needed_goes_first(
    width: int, shown: tuple[str, ...], gone: tuple[str, ...]
) -> None:
    line = meter_line(GAUGE, width)
    assert all(part in line for part in shown)
    assert not any(part in line for part in gone)


def test_the_line_keeps_its_length_while_figures_come_and_go() -> None:
    silent = Gauge(out_level=None, in_level=None, elapsed=65.0, round_trip=None)
    loud = Gauge(out_level=0.0, in_level=-60.0, elapsed=65.0, round_trip=2.5)
    assert len(meter_line(silent, 79)) == len(meter_line(loud, 79)) == len(meter_line(GAUGE, 79))


SEEN = Gauge(
    out_level=-12.0,
    in_level=-30.0,
    elapsed=65.0,
    round_trip=0.0123,
    pictures=(30.0, 9.0),
    size=(1280, 720),
)


@pytest.mark.parametrize("width", range(121))
def test_the_line_of_a_call_with_pictures_fits_every_width(width: int) -> None:
    assert len(meter_line(SEEN, width)) <= width


@pytest.mark.parametrize(
    ("width", "shown", "gone"),
    [
        (79, ("30> 9 fps 1280x720", "-30 dB", "12.3 ms"), ()),
        (65, ("30> 9 fps", "12.3 ms"), ("1280",)),
        (50, ("-30 dB", "12.3 ms"), ("fps",)),
    ],
)
def test_the_rates_of_pictures_are_shown_where_there_is_room(
    width: int, shown: tuple[str, ...], gone: tuple[str, ...]
) -> None:
    line = meter_line(SEEN, width)
    assert all(part in line for part in shown)
    assert not any(part in line for part in gone)


def test_a_louder_sound_has_a_longer_bar() -> None:
    cells = [
        meter_line(Gauge(out_level=dbfs, in_level=None, elapsed=0, round_trip=None), 79).count("█")
        for dbfs in (-60.0, -40.0, -20.0, 0.0)
    ]
    assert cells == sorted(set(cells))
    assert cells[0] == 0


def test_hours_are_told() -> None:
    gauge = Gauge(out_level=None, in_level=None, elapsed=3723.9, round_trip=None)
    assert "1:02:03" in meter_line(gauge, 79)


def test_pictures_that_have_not_come_have_no_size() -> None:
    gauge = Gauge(out_level=None, in_level=None, elapsed=1.0, round_trip=None, pictures=(0.0, 0.0))
    assert "0> 0 fps  0:01" in meter_line(gauge, 79)
