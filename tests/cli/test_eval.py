"""`rlreactor eval`."""

from __future__ import annotations

import pytest

from .conftest import CommandLine, Trained


def test_plays_and_says_what_the_policy_is_worth(rlreactor: CommandLine, trained: Trained) -> None:
    checkpoint = str(trained.folder / "checkpoint.safetensors")
    result = rlreactor("eval", checkpoint, "--episodes", "5", "--json").result
    assert result["episodes"] == len(result["returns"]) == 5
    assert result["minimum"] <= result["eval_return"] <= result["maximum"]
    again = rlreactor("eval", checkpoint, "--episodes", "5").out
    assert again == (
        f"return {result['eval_return']:.1f} ± {result['deviation']:.1f} over 5 episodes "
        f"(from {result['minimum']:.1f} to {result['maximum']:.1f})\n"
    )


def test_video_without_its_extra(rlreactor: CommandLine, trained: Trained) -> None:
    (rlreactor.folder / "sitecustomize.py").write_text("import sys; sys.modules['moviepy'] = None\n")
    checkpoint = str(trained.folder / "checkpoint.safetensors")
    ended = rlreactor("eval", checkpoint, "--video", "video", status=2)
    assert ended.error == (
        "rlreactor: films need moviepy and pygame, which are not installed: pip install 'rlreactor[video]'\n"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            None,
            "rlreactor: x.safetensors cannot be read: no such file; `train` writes checkpoint.safetensors into its run "
            "folder\n",
        ),
        (b"something else", "rlreactor: x.safetensors is not a checkpoint, or is damaged: "),
    ],
)
def test_what_is_no_checkpoint(rlreactor: CommandLine, content: bytes | None, expected: str) -> None:
    if content is not None:
        (rlreactor.folder / "x.safetensors").write_bytes(content)
    assert rlreactor("eval", "x.safetensors", status=1).error.startswith(expected)
