"""schemathesis, which we did not write, holds a live server to its own OpenAPI document."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import serving

CONFIG = Path(__file__).with_name("schemathesis.toml")
COMMAND = Path(sys.executable).with_name("st")
APP = """
import anyio

from antiphon import Stream


async def brief(call):
    await call.output(1)
    with anyio.move_on_after(0.5):  # event streams of a call end with it
        async for message in call.messages:
            await call.send(message.data)


stream = Stream(brief, speech=True, concurrency_limit=None, connecting_limit=5000)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which(COMMAND) is None, reason="schemathesis is not installed")
def test_a_live_server_keeps_to_its_document(tmp_path: Path) -> None:
    with serving(app=APP, folder=tmp_path) as server:
        command = [str(COMMAND), "--config-file", str(CONFIG), "run", f"{server.http}/openapi.json"]
        options = ["-n", "20", "--request-timeout", "5", "--seed", "1", "--no-color"]
        done = subprocess.run(
            [*command, *options], cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in server.output
