"""What the modules export is there, and the face agrees with itself."""

import builtins
import importlib
import pkgutil
from types import ModuleType
from typing import Any

import pytest

import antiphon

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(antiphon.__path__, "antiphon.")
    if not module.name.endswith("__main__")
)


def test_all_modules_are_found() -> None:
    assert "antiphon.core.session" in MODULES
    assert "antiphon.transports.driver" in MODULES


@pytest.mark.parametrize("name", ["antiphon", *MODULES])
def test_every_exported_name_exists_once(name: str) -> None:
    module = importlib.import_module(name)
    exported: Any = getattr(module, "__all__", ())
    assert exported.__class__ is tuple
    names = [str(name) for name in exported]
    assert len(set(names)) == len(names)
    assert [item for item in names if not hasattr(module, item)] == []
    assert [item for item in names if item.startswith("_")] == []


def is_package(module: ModuleType) -> bool:
    return hasattr(module, "__path__")


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_exports_and_packages_stay_empty(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    if is_package(module):
        assert not hasattr(module, "__all__")
        assert [
            n for n in vars(module) if not n.startswith("__") and f"{name}.{n}" not in MODULES
        ] == []
    else:
        assert getattr(module, "__all__", ()) != ()


def test_a_star_import_hides_no_builtin() -> None:
    """FastRTC's `Warning` is there, for who asks for it by name."""
    assert not set(antiphon.__all__) & set(vars(builtins))
    assert callable(antiphon.Warning)


def test_the_face_exports_all_it_imports_and_nothing_else() -> None:
    public = {
        name
        for name, value in vars(antiphon).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(antiphon.__all__) == public - {"Warning"}
    assert list(antiphon.__all__) == sorted(antiphon.__all__)


def test_what_the_face_shows_is_exported_where_it_is_made() -> None:
    for name in antiphon.__all__:
        value = getattr(antiphon, name)
        if value.__module__.startswith("antiphon."):
            assert name in importlib.import_module(value.__module__).__all__
