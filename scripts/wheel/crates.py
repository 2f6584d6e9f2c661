"""The Rust crates that become part of a program: their licences, and their entries in a list of components."""

import json
import subprocess
import tomllib
from pathlib import Path

# What a file of a licence is called in the package of a crate.
LICENCE_NAMES = ("licen", "copying", "copyright", "notice", "unlicense")

REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def linked_crates(program):
    """Returns the packages, as cargo tells them, of all crates that are linked into a package of this workspace.

    Crates that only run during the build (build scripts, macros, tests) are not among them.
    """
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    members = set(metadata["workspace_members"])
    found, waiting = set(), [name for name in members if packages[name]["name"] == program]
    while waiting:
        name = waiting.pop()
        is_macro = any("proc-macro" in target["kind"] for target in packages[name]["targets"])
        if name in found or is_macro:
            continue
        found.add(name)
        for dependency in nodes[name]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    crates = [packages[name] for name in found - members]
    return sorted(crates, key=lambda crate: (crate["name"], crate["version"]))


def notice(crates, rust):
    """Returns the licences of the crates and of Rust's standard library. Equal texts appear once."""
    lines = ["Rust crates in this package, from https://crates.io", ""]
    texts, users = {}, {}
    for crate in crates:
        name = f"{crate['name']} {crate['version']}"
        lines.append(f"{name}: {crate['license']}")
        folder = Path(crate["manifest_path"]).parent
        for file in sorted(folder.iterdir()):
            if file.is_file() and file.name.lower().startswith(LICENCE_NAMES):
                text = file.read_text(errors="replace").strip()
                key = " ".join(text.split())
                texts.setdefault(key, text)
                users.setdefault(key, []).append(name)
    lines += [f"The standard library of Rust {rust}: MIT OR Apache-2.0", ""]
    lines += ["Where a licence offers a choice and the crate has no text of it, the text of Apache-2.0 below applies.", ""]
    for key, text in texts.items():
        names = sorted(set(users[key]))
        lines += ["=" * 80, *wrapped(names), "", text, ""]
    return "\n".join(lines)


def wrapped(names, width=120):
    """Joins names by commas, in lines of at most `width` characters."""
    lines = [""]
    for name in names:
        if lines[-1] and len(lines[-1]) + len(name) + 3 > width:
            lines.append("")
        lines[-1] += f"{', ' if lines[-1] else ''}{name}"
    return [f"{line}," for line in lines[:-1]] + lines[-1:]


def components(crates, lock, rust):
    """Returns the crates and Rust's standard library as components of CycloneDX, with the checksums of Cargo.lock."""
    packages = tomllib.loads(lock.read_text())["package"]
    sums = {(package["name"], package["version"]): package.get("checksum") for package in packages}
    rows = []
    for crate in crates:
        name, version = crate["name"], crate["version"]
        if crate["source"] != REGISTRY:
            raise SystemExit(f"wheel: {name} {version} does not come from crates.io, but from {crate['source']}")
        rows.append(
            {
                "type": "library",
                "bom-ref": f"crate-{name}-{version}",
                "name": name,
                "version": version,
                "hashes": [{"alg": "SHA-256", "content": sums[name, version]}],
                # Some crates separate licences by a slash, an old form of OR.
                "licenses": [{"expression": crate["license"].replace("/", " OR ").replace("  ", " ")}],
                "purl": f"pkg:cargo/{name}@{version}",
            }
        )
    standard = {"type": "library", "bom-ref": "rust-std", "name": "Rust standard library", "version": rust}
    standard["licenses"] = [{"expression": "MIT OR Apache-2.0"}]
    return [*rows, standard]
