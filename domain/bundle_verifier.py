"""Verifies an evidence bundle: this one file, Python 3.9 or newer, no network, nothing to install.

    python3 verify.py BUNDLE.zip [--root ROOT.json] [--personal PERSONAL.json]

It recomputes every hash of the bundle, the history of the collaboration, and the place in the brand's audit
log up to a signed root. Compare that root with one that you keep (`--root`): a mailed one, or one from a
bucket that refuses to overwrite. The same file stands in every bundle as `verify.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import struct
import sys
import zipfile
import zlib
from typing import Any

MANIFEST, PROOF = "manifest.json", "proof.json"
BESIDE = ("handovers", "public_key", "signature")
"""What a root carries beside the fields that are signed."""
_TIME, _DATE = 0, 33
"""1980-01-01 00:00, the first moment that a ZIP can name."""

Problem = tuple[str, str]
"""Name of the file that is wrong (or `bundle`), and what is wrong with it."""


# --- forms: one way to write everything -------------------------------------------------------------


def canonical(document: Any) -> bytes:
    """JSON as RFC 8785 writes it, for what a bundle holds."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def readable(document: Any) -> bytes:
    """JSON for people, in one form."""
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def pack(files: dict[str, bytes]) -> bytes:
    """A ZIP of these files in the one form of a bundle: sorted, stored, without clock or machine."""
    body, index = io.BytesIO(), io.BytesIO()
    for name in sorted(files):
        data, written = files[name], name.encode("ascii")
        place = body.tell()
        common = struct.pack(
            "<HHHHHIIIHH", 20, 0, 0, _TIME, _DATE, zlib.crc32(data), len(data), len(data), len(written), 0
        )
        body.write(b"PK\x03\x04" + common + written + data)
        index.write(b"PK\x01\x02" + struct.pack("<H", 20) + common)
        index.write(struct.pack("<HHHII", 0, 0, 0, 0, place) + written)
    size, start = index.tell(), body.tell()
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(files), len(files), size, start, 0)
    return body.getvalue() + index.getvalue() + end


# --- verifying --------------------------------------------------------------------------------------


def verify(
    bundle: bytes,
    root: dict[str, Any] | None = None,
    personal: dict[str, Any] | None = None,
) -> list[Problem]:
    """Every problem of a bundle; none when it is what was sealed."""
    files, problems = _unpacked(bundle)
    parsed = {}
    for name in sorted(set(files) | {MANIFEST, PROOF}):
        if not name.endswith(".json"):
            continue
        try:
            parsed[name] = json.loads(files[name].decode())
        except KeyError:
            problems.append((name, "is missing"))
        except ValueError:
            problems.append((name, "cannot be read"))
    if MANIFEST not in parsed or PROOF not in parsed:
        return problems
    try:
        problems += _check_files(files, parsed[MANIFEST])
        for name in (MANIFEST, PROOF):
            if readable(parsed[name]) != files[name]:
                problems.append((name, "is not written as it was made"))
        problems += _check_proof(parsed[MANIFEST], parsed[PROOF], root)
        if not problems:
            problems += _check_story(files, parsed)
            if personal is not None:
                problems += _check_personal(parsed["commitments.json"], personal)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        problems.append(("bundle", f"is not complete ({type(error).__name__})"))
    if not problems and pack(files) != bundle:
        problems.append(("bundle", "holds bytes that belong to no file"))
    return problems


def _unpacked(bundle: bytes) -> tuple[dict[str, bytes], list[Problem]]:
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            for entry in archive.infolist():
                if entry.filename in files:
                    problems.append((entry.filename, "stands in the bundle twice"))
                try:
                    files[entry.filename] = archive.read(entry)
                except Exception as error:  # noqa: BLE001 - whatever is wrong, it is this file's
                    problems.append((entry.filename, f"cannot be read ({type(error).__name__})"))
                    files[entry.filename] = b""
    except Exception as error:  # noqa: BLE001 - a broken ZIP fails in many ways
        problems.append(("bundle", f"is not a readable ZIP ({type(error).__name__})"))
    return files, problems


def _check_files(files: dict[str, bytes], manifest: dict[str, Any]) -> list[Problem]:
    problems = []
    listed = manifest["files"]
    for name in sorted(listed):
        if name not in files:
            problems.append((name, "is missing"))
        elif sha256(files[name]) != listed[name]:
            problems.append((name, "is not what was sealed"))
    known = set(listed) | {MANIFEST, PROOF}
    problems += [(name, "was added") for name in sorted(set(files) - known)]
    sealed = {name: value for name, value in manifest.items() if name != "content_sha256"}
    if sha256(canonical(sealed)) != manifest["content_sha256"]:
        problems.append((MANIFEST, "is not what was sealed"))
    return problems


def _check_proof(
    manifest: dict[str, Any],
    proof: dict[str, Any],
    kept: dict[str, Any] | None,
) -> list[Problem]:
    """The line of the audit log that names this bundle's content, and its way up to the root."""
    content, line, root = proof["content"], proof["line"], proof["root"]
    says = content["data"]["content_sha256"], content["subject"]["id"], content["brand_id"]
    problems = []
    if says != (manifest["content_sha256"], manifest["payout_id"], manifest["brand_id"]):
        problems.append((PROOF, "the line of the audit log is about another content"))
    digest = sha256(canonical(content))
    link = {"digest": digest, "previous_hash": line["previous_hash"], "sequence": line["sequence"]}
    hash_ = sha256(canonical(link))
    node = hashlib.sha256(b"\x00" + bytes.fromhex(hash_)).digest()
    for step in proof["path"]:
        other = bytes.fromhex(step["hash"])
        node = hashlib.sha256(b"\x01" + (other + node if step["left"] else node + other)).digest()
    if line != {"hash": hash_, **link} or node.hex() != root["merkle_root"]:
        problems.append((PROOF, "the line does not lead to the root"))
    if not root["first_sequence"] <= line["sequence"] <= root["sequence"]:
        problems.append((PROOF, "the root does not cover the line"))
    if root["brand_id"] != manifest["brand_id"]:
        problems.append((PROOF, "the root is of another brand"))
    signed = {name: value for name, value in root.items() if name not in BESIDE}
    if not ed25519_fits(root["public_key"], root["signature"], canonical(signed)):
        problems.append((PROOF, "the signature does not fit the root"))
    if kept is not None and kept != root:
        problems.append((PROOF, "the root is not the one that you keep"))
    return problems


def _check_story(files: dict[str, bytes], parsed: dict[str, Any]) -> list[Problem]:
    """Whether the files fit each other."""
    problems = []
    previous = ""
    for place, event in enumerate(parsed["events.json"], 1):
        body = {name: value for name, value in event.items() if name != "hash"}
        sound = event["sequence"] == place and event["previous_hash"] == previous
        if not sound or sha256(canonical(body)) != event["hash"]:
            problems.append(("events.json", f"event {place} is not what was sealed"))
            break
        previous = event["hash"]
    said = parsed[PROOF]["content"]["data"]
    if not problems and (previous, len(parsed["events.json"])) != (said["head"], said["events"]):
        problems.append(("events.json", "the history is not the one that the audit log names"))
    terms = sha256(files["terms.txt"])
    if terms != parsed["terms.json"]["sha256"] or terms != parsed["consent.json"]["offer_sha256"]:
        problems.append(("terms.txt", "is not the text that was accepted"))
    return problems


def _check_personal(commitments: dict[str, str], personal: dict[str, Any]) -> list[Problem]:
    """Whether the personal annex holds what the bundle committed to."""
    problems = []
    for name in sorted(set(commitments) | set(personal)):
        part = personal.get(name)
        if part is None or name not in commitments:
            problems.append(("personal", f"{name} is missing on one side"))
        elif sha256(bytes.fromhex(part["salt"]) + canonical(part["value"])) != commitments[name]:
            problems.append(("personal", f"{name} is not what was sealed"))
    return problems


# --- Ed25519 (RFC 8032), verification alone: public data only, so time does not matter ---------------

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def _add(one: _Point, two: _Point) -> _Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: _Point) -> _Point:
    result: _Point = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            result = _add(result, point)
        point, number = _add(point, point), number >> 1
    return result


def _point(data: bytes) -> _Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def ed25519_fits(public_key: str, signature: str, message: bytes) -> bool:
    """Whether the signature (hex) of this key (hex) is of this message."""
    key, signed = bytes.fromhex(public_key), bytes.fromhex(signature)
    if len(key) != 32 or len(signed) != 64:
        return False
    base = _point(bytes.fromhex("58" + "66" * 31))
    of, r, s = _point(key), _point(signed[:32]), int.from_bytes(signed[32:], "little")
    if of is None or r is None or base is None or s >= _ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signed[:32] + key + message).digest(), "little") % _ORDER
    left, right = _times(s, base), _add(r, _times(h, of))
    same_x = (left[0] * right[2] - right[0] * left[2]) % _P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % _P == 0


# --- from a shell -----------------------------------------------------------------------------------


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def main(words: list[str] | None = None) -> int:
    """Verify one bundle and say what is wrong; 0 when nothing is."""
    parser = argparse.ArgumentParser(description="Verify an evidence bundle, offline.")
    parser.add_argument("bundle")
    parser.add_argument("--root", help="a root of the audit log that you keep")
    parser.add_argument("--personal", help="the personal annex that you were given")
    asked = parser.parse_args(words)
    given = [path and json.loads(_read(path)) for path in (asked.root, asked.personal)]
    bundle = _read(asked.bundle)
    problems = verify(bundle, *given)
    for name, what in problems:
        print(f"{name}: {what}")
    if problems:
        print(f"{len(problems)} problems.")
        return 1
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        manifest, proof = json.loads(archive.read(MANIFEST)), json.loads(archive.read(PROOF))
    root = proof["root"]
    print(f"Payout {manifest['payout_id']}: every file is as it was sealed.")
    print(f"Line {proof['line']['sequence']} of the audit log of {manifest['brand_id']}, covered by the")
    print(f"root at line {root['sequence']} of {root['made_at']}: {root['hash']}")
    if asked.root is None:
        print("Compare this root with one that you keep (--root).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
