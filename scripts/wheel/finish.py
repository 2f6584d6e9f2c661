"""Completes the wheel that maturin built: licences, notices and the list of components.

Arguments: maturin's wheel, the folder for the result, the folder of the vendored libraries, the version of Rust. The same arguments
give the same bytes: all files have one date. Prints the path of the result.
"""

import base64
import hashlib
import json
import sys
import uuid
import zipfile
from pathlib import Path

import crates

DATE = (1980, 1, 1, 0, 0, 0)
REPOSITORY = Path(__file__).resolve().parents[2]


def licences(prefix, linked, rust):
    """Returns the files of the folder `licenses`, by name."""
    files = {"LICENSE": (REPOSITORY / "LICENSE").read_bytes(), "NOTICE": (prefix / "NOTICE").read_bytes()}
    for path in sorted((prefix / "licences").rglob("*")):
        if path.is_file():
            files[str(path.relative_to(prefix))] = path.read_bytes()
    files["NOTICE-RUST"] = crates.notice(linked, rust).encode()
    return files


def sbom(prefix, linked, rust, version):
    """Returns the components of the vendored libraries and the crates, as CycloneDX 1.6."""
    document = json.loads((prefix / "sbom.cdx.json").read_text())
    document["components"] += crates.components(linked, REPOSITORY / "Cargo.lock", rust)
    subject = document["metadata"]["component"]
    subject |= {"bom-ref": "trix-media", "name": "trix-media", "version": version, "purl": f"pkg:pypi/trix-media@{version}"}
    content = json.dumps([document["components"], document["metadata"]], sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"
    return (json.dumps(document, indent=2) + "\n").encode()


def with_licence_files(metadata, names):
    """Returns METADATA with one field for each file of a licence (PEP 639), in front of the description."""
    head, gap, description = metadata.decode().partition("\n\n")
    lines = [line for line in head.split("\n") if not line.startswith("License-File:")]
    lines += [f"License-File: {name}" for name in names]
    lines = ["Metadata-Version: 2.4" if line.startswith("Metadata-Version:") else line for line in lines]
    return ("\n".join(lines) + gap + description).encode()


def record(files, name):
    """Returns RECORD: path, hash and size of each file."""
    rows = []
    for path, (data, _) in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(data)}\n")
    return "".join([*rows, f"{name},,\n"]).encode()


def main():
    wheel, folder, prefix, rust = *map(Path, sys.argv[1:4]), sys.argv[4]
    name, version = wheel.name.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        # Each with its permissions. maturin's own list has the crates of the module only.
        files = {entry.filename: (archive.read(entry), entry.external_attr >> 16) for entry in archive.infolist()}
    files = {path: file for path, file in files.items() if not path.startswith((f"{info}/sboms/", f"{info}/licenses/"))}
    del files[f"{info}/RECORD"]

    linked = crates.linked_crates("trix-py")
    texts = licences(prefix, linked, rust)
    files[f"{info}/METADATA"] = (with_licence_files(files[f"{info}/METADATA"][0], texts), 0o100644)
    files |= {f"{info}/licenses/{path}": (data, 0o100644) for path, data in texts.items()}
    files[f"{info}/sboms/trix-media.cdx.json"] = (sbom(prefix, linked, rust, version), 0o100644)
    # The format recommends that the metadata are the last files.
    files = dict(sorted(files.items(), key=lambda file: (file[0].startswith(info), file[0])))
    files[f"{info}/RECORD"] = (record(files, f"{info}/RECORD"), 0o100644)

    result = folder / wheel.name
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, (data, mode) in files.items():
            entry = zipfile.ZipInfo(path, DATE)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)
    print(result)


if __name__ == "__main__":
    main()
