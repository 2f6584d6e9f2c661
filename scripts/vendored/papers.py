"""Writes NOTICE and sbom.cdx.json (CycloneDX 1.6) of the libraries that scripts/vendored.sh built.

Arguments: sources.txt, the folder of the libraries, the version of zig, the version of LLVM in zig.
The same arguments give the same bytes: there is no date, and the serial number is a hash of the content.
"""

import json
import sys
import uuid
from pathlib import Path
from urllib.parse import quote

FIELDS = ("name", "release", "package", "version", "distribution", "tarball", "sum", "licence", "texts", "site")

# Names that say little, in full.
NAMES = {"ffmpeg": "FFmpeg", "soxr": "libsoxr", "vpx": "libvpx", "webp": "libwebp", "opus": "libopus"}

LLVM_LICENCE = "Apache-2.0 WITH LLVM-exception"
LLVM_SITE = "https://llvm.org"


def parts_of_compiler(zig, llvm):
    """Returns what the compiler adds to a program, in rows like those of sources.txt."""
    names = ("name", "title", "release", "licence", "text", "source", "site")
    rows = [
        ("libcxx", "libc++", llvm, LLVM_LICENCE, "LICENSE.TXT", "lib/libcxx", LLVM_SITE),
        ("libcxxabi", "libc++abi", llvm, LLVM_LICENCE, "LICENSE.TXT", "lib/libcxxabi", LLVM_SITE),
        ("libunwind", "libunwind", llvm, LLVM_LICENCE, "LICENSE.TXT", "lib/libunwind", LLVM_SITE),
        ("compiler_rt", "compiler_rt", zig, "MIT", "LICENSE", "lib/compiler_rt", "https://ziglang.org"),
        # As for each of its files, the Free Software Foundation permits to link them into any program.
        ("libc_nonshared", "libc_nonshared", zig, "LGPL-2.1-or-later", "atexit.c", "lib/libc/glibc", "https://www.gnu.org/software/libc"),
    ]
    return [dict(zip(names, row, strict=True)) for row in rows]


def read(sources):
    """Returns the rows of sources.txt as dictionaries."""
    lines = [line for line in sources.read_text().splitlines() if line and not line.startswith("#")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [dict(zip(FIELDS, row, strict=True)) for row in rows]


def notice(rows, folder, zig, llvm):
    text = [
        "Third-party libraries in this folder",
        "",
        "They were built from the tarballs below by scripts/vendored.sh of Trix, with the options that the script contains and",
        "without changes to the sources. Together they are licensed under the GNU General Public License, version 2 or later,",
        "as FFmpeg (built with --enable-gpl), x264 and x265 are. The folder `licences` has the texts of all licences.",
        "",
    ]
    for row in rows:
        texts = sorted(path.relative_to(folder) for path in (folder / "licences" / row["name"]).iterdir())
        text += [
            f"{NAMES.get(row['name'], row['name'])} {row['release']}",
            f"  licence   {row['licence']} ({', '.join(map(str, texts))})",
            f"  source    {row['tarball']}, of the Debian source package {row['package']} {row['version']}",
            f"  SHA-256   {row['sum']}",
            f"  site      {row['site']}",
            "",
        ]
    for part in parts_of_compiler(zig, llvm):
        text += [
            f"{part['title']} {part['release']}",
            f"  licence   {part['licence']} (licences/{part['name']}/{part['text']})",
            f"  source    the Python package ziglang {zig}, {part['source']}",
            f"  site      {part['site']}",
            "",
        ]
    return "\n".join(text)


def component(row):
    checksum = [{"alg": "SHA-256", "content": row["sum"]}]
    name, release = NAMES.get(row["name"], row["name"]), row["release"]
    return {
        "type": "library",
        "bom-ref": row["name"],
        "name": name,
        "version": release,
        "licenses": [{"license": {"id": row["licence"]}}],
        "purl": f"pkg:generic/{row['name']}@{quote(release)}?checksum=sha256:{row['sum']}",
        "externalReferences": [
            {"type": "website", "url": row["site"]},
            {"type": "source-distribution", "url": quote(row["tarball"]), "hashes": checksum},
        ],
        "properties": [
            {"name": "debian:source-package", "value": row["package"]},
            {"name": "debian:version", "value": row["version"]},
            {"name": "debian:distribution", "value": row["distribution"]},
        ],
    }


def component_of_compiler(part):
    kind = "expression" if " " in part["licence"] else "license"
    licence = part["licence"] if kind == "expression" else {"id": part["licence"]}
    return {
        "type": "library",
        "bom-ref": part["name"],
        "name": part["title"],
        "version": part["release"],
        "licenses": [{kind: licence}],
        "purl": f"pkg:generic/{part['name']}@{part['release']}",
        "externalReferences": [{"type": "website", "url": part["site"]}],
    }


def sbom(rows, zig, llvm):
    components = [component(row) for row in rows]
    components += [component_of_compiler(part) for part in parts_of_compiler(zig, llvm)]
    content = json.dumps([components, zig], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "zig", "version": zig}]},
            "component": {
                "type": "library",
                "bom-ref": "trix-vendored",
                "name": "trix-vendored",
                "licenses": [{"license": {"id": "GPL-2.0-or-later"}}],
            },
        },
        "components": components,
    }


def main():
    sources, folder, zig, llvm = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    rows = read(sources)
    (folder / "NOTICE").write_text(notice(rows, folder, zig, llvm))
    (folder / "sbom.cdx.json").write_text(json.dumps(sbom(rows, zig, llvm), indent=2) + "\n")


if __name__ == "__main__":
    main()
