"""What the build promises: one version, complete packages, a clean symbol table, an untouched floating-point mode."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastloss as fl
from elf import SharedObject

PACKAGE = Path(fl.__file__).parent
SOURCE = Path(__file__).parents[2]
(LIBRARY,) = (PACKAGE / "lib").glob("libfastloss.*")
MODULE = Path(fl._core.__file__)
EXCEPTIONS = ("error", "value_error", "type_error", "index_error", "interrupted")


def test_one_version_everywhere():
    declared = re.search(r'^version = "(.*)"$', (SOURCE / "pyproject.toml").read_text(), re.MULTILINE).group(1)
    assert fl.__version__ == declared
    assert importlib.metadata.version("fastloss") == declared
    assert fl._core.version == declared
    header = (PACKAGE / "include" / "fastloss" / "version.hpp").read_text()
    assert f'#define FASTLOSS_VERSION "{declared}"' in header


def test_the_package_holds_what_cpp_users_need():
    headers = SOURCE / "cpp" / "include"
    for header in headers.rglob("*.hpp"):
        installed = PACKAGE / "include" / header.relative_to(headers)
        assert installed.is_file(), f"{header.relative_to(SOURCE)} is not installed"
    command = [sys.executable, "-m", "fastloss", "--cmakedir"]
    cmake_dir = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    assert cmake_dir.is_relative_to(PACKAGE)
    for name in ("fastlossConfig.cmake", "fastlossConfigVersion.cmake", "fastlossTargets.cmake"):
        assert (cmake_dir / name).is_file()


def test_the_package_is_typed_and_licensed():
    files = {str(path) for path in importlib.metadata.files("fastloss")}
    assert "fastloss/py.typed" in files
    assert any(name.endswith("LICENSE") for name in files)
    stubs = [name for name in files if name.startswith("fastloss/losses/") and name.endswith(".pyi")]
    assert stubs, "the generated stubs of the losses are missing"
    assert not list((SOURCE / "python").glob("fastloss/losses/*.pyi")), "generated stubs do not belong into the source"


def test_the_module_uses_only_installed_headers():
    allowed = {"fastloss"}
    for source in (SOURCE / "cpp" / "bindings").iterdir():
        for included in re.findall(r'^#include "([^"]+)"', source.read_text(), re.MULTILINE):
            here = (source.parent / included).is_file()
            assert here or included.split("/")[0] in allowed, f"{source.name} includes {included}"


def typeinfo(name: str) -> set[str]:
    """The symbols of a class of namespace fastloss that are needed to catch it."""
    return {f"_ZT{part}N8fastloss{len(name)}{name}E" for part in "IS"}


def test_the_library_exports_its_interface_alone():
    names = SharedObject(LIBRARY).exported
    assert any(name.startswith("_ZN8fastloss12parallel_for") for name in names)
    assert set().union(*map(typeinfo, EXCEPTIONS)) <= names
    for name in names:
        assert re.match(r"_Z(NK?|T[ISV]N)8fastloss", name), f"{name} is visible outside the library"
        assert "fastloss_kernels" not in name
        assert not re.match(r"_ZNK?8fastloss2v[234]", name), f"{name} is compiled for newer processors only"


def test_the_module_exports_its_initialisation_alone():
    # And the types of exceptions, so that there is one of each in a process.
    assert SharedObject(MODULE).exported == {"PyInit__core"}.union(*map(typeinfo, EXCEPTIONS))


@pytest.mark.parametrize("path", [LIBRARY, MODULE], ids=["library", "module"])
def test_shared_objects_are_hardened(path):
    shared = SharedObject(path)
    assert shared.has_read_only_relocations
    assert shared.is_bound_at_load
    assert not shared.has_executable_stack
    assert "__stack_chk_fail" in shared.imported, "compiled without the stack protector"


def test_the_library_is_fortified():
    checked = {name for name in SharedObject(LIBRARY).imported if name.endswith("_chk")}
    assert checked, "no copy into a buffer of known size is checked: compiled without _FORTIFY_SOURCE?"


def test_programs_load_a_versioned_library():
    major, minor, _ = fl._core.version.split(".")
    assert SharedObject(LIBRARY).soname == LIBRARY.name == f"libfastloss.so.{major}.{minor}"
    assert not LIBRARY.is_symlink()
    targets = (PACKAGE / "lib" / "cmake" / "fastloss" / "fastlossTargets-release.cmake").read_text()
    assert f"/lib/{LIBRARY.name}" in targets


def test_no_dangerous_compiler_flags():
    for path in [SOURCE / "CMakeLists.txt", *(SOURCE / "cmake").iterdir(), SOURCE / "pyproject.toml"]:
        text = path.read_text()
        for flag in ("-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-march=native"):
            assert flag not in text, f"{path.name} uses {flag}"


SUBNORMALS = """
import numpy as np
smallest = [np.float32(1e-45), np.float64(5e-324)]
assert all(x * x.dtype.type(1) != 0 for x in smallest)
import fastloss as fl
assert all(x * x.dtype.type(1) != 0 for x in smallest), "after import"
x = np.ones(1 << 20)
fl.mse_loss.value_and_grad(x, 0 * x)
assert all(x * x.dtype.type(1) != 0 for x in smallest), "after a call"
assert fl.l1_loss(smallest[1:], [0.0], reduction="sum") == 5e-324
print("kept")
"""


def test_import_and_calls_leave_flush_to_zero_off():
    result = subprocess.run([sys.executable, "-c", SUBNORMALS], capture_output=True, text=True)
    assert result.stdout.strip() == "kept", result.stderr
