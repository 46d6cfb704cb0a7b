"""What a program that starts does not wait for."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["antiphon", "antiphon.cli.main"])
def test_what_only_webrtc_needs_is_not_imported(module: str) -> None:
    asked = f"import sys, {module}; print(sorted({{'aiortc', 'av'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("[]\n", "")
