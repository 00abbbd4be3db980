"""Check that rattler-build accepts the recipe, and that its version and dependencies are those of the package."""

import runpy
import sys
import tomllib
from pathlib import Path

from rattler_build import PlatformConfig, RenderConfig, Stage0Recipe, VariantConfig

ROOT = Path(__file__).resolve().parents[1]
PLATFORMS = ["linux-64", "linux-aarch64", "linux-ppc64le", "osx-64", "osx-arm64", "win-64"]


def rendered(recipe, platform):
    """Return the recipe as rattler-build would build it there."""
    chosen = VariantConfig({"python": ["3.13"], "c_compiler": ["gcc"], "c_stdlib": ["sysroot"]})
    (found,) = recipe.render(chosen, RenderConfig(PlatformConfig(target_platform=platform)))
    return found.recipe.to_dict()


def main(path):
    """Raise if anything is wrong."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    version = runpy.run_path(str(ROOT / "src/lse/_version.py"))["__version__"]
    recipe = Stage0Recipe.from_file(path)
    for platform in PLATFORMS:
        found = rendered(recipe, platform)
        assert found["package"] == {"name": project["project"]["name"], "version": version}, found["package"]
        wanted = {*project["project"]["dependencies"], "python"}
        assert {name.replace(" ", "") for name in found["requirements"]["run"]} == wanted, found["requirements"]
        host = {name.replace(" ", "") for name in found["requirements"]["host"]}
        assert host >= set(project["build-system"]["requires"]), host
    print(f"{path}: {version}, for {', '.join(PLATFORMS)}")


if __name__ == "__main__":
    main(sys.argv[1])
