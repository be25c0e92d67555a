"""Has aics-tlog check a running demo city: check_log.py ORIGIN COZUM"""

import base64
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import aics_tlog as tlog

ORIGIN, COZUM = sys.argv[1:]
LOG = ORIGIN + "/log/demo/"
NEW = 5
# So many old events, one is proven.
EVERY = 100


def get(what):
    with urllib.request.urlopen(what, timeout=10) as answer:
        return answer.read()


def file(number):
    """Files a request by Open311 and gives its number."""
    form = {"api_key": "demo", "service_code": "pothole", "lat": "39.92", "long": "32.85", "description": f"çukur {number}"}
    answer = get(urllib.request.Request(ORIGIN + "/open311/v2/requests.xml", urllib.parse.urlencode(form).encode()))
    return answer.decode().split("<service_request_id>")[1].split("<")[0]


def head(key, text):
    """What a checkpoint says, if aics-tlog takes its signature."""
    return tlog.verify_checkpoint(tlog.parse_note(text), key)


def newest(key, larger_than=0):
    """The newest checkpoint over more than so many events."""
    for _ in range(100):
        note = get(LOG + "checkpoint")
        said = head(key, note)
        assert said.ok, said.error
        if said.size > larger_than:
            return note, said
        time.sleep(0.2)
    raise SystemExit("the log is not signed any more")


def settled(key):
    """The newest checkpoint, once the demo city's history has been written."""
    note, said = newest(key)
    while True:
        time.sleep(2)
        after, later = newest(key)
        if later.size == said.size:
            return after, later
        note, said = after, later


def receipt(number):
    """A request's receipt as text: a tlog-proof."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "receipt"
        subprocess.run([COZUM, "audit", "receipt", number, "--out", out, "--server", ORIGIN, "--token", "demo"], check=True)
        return out.read_text()


def proven(key, text, entry):
    """Whether a tlog-proof shows an entry under a checkpoint that the key signed."""
    proof, note = text.split("\n\n", 1)
    lines = [it for it in proof.split("\n")[1:] if not it.startswith("extra ")]
    index = int(lines[0].removeprefix("index "))
    hashes = [base64.b64decode(it, validate=True) for it in lines[1:]]
    said = head(key, note)
    return said.ok and tlog.verify_leaf_inclusion(entry(index), index, said.size, hashes, said.root)


class Kept:
    """A reader that asks for each file once."""

    def __init__(self, reader):
        self.reader, self.files = reader, {}

    def _read(self, what, read):
        if what not in self.files:
            self.files[what] = read()
        return self.files[what]

    def read_tile(self, *what):
        return self._read(("tile", *what), lambda: self.reader.read_tile(*what))

    def read_entry_bundle(self, *what):
        return self._read(("entries", *what), lambda: self.reader.read_entry_bundle(*what))


class Changed:
    """A reader of the same log, with one bit of one file another one."""

    def __init__(self, reader, what):
        self.reader, self.what = reader, what

    def _read(self, what, data):
        if data and what == self.what:
            data = data[:-1] + bytes([data[-1] ^ 1])
        return data

    def read_tile(self, level, index, width):
        return self._read(("tile", level, index), self.reader.read_tile(level, index, width))

    def read_entry_bundle(self, index, width):
        return self._read(("entries", index), self.reader.read_entry_bundle(index, width))


def audited(reader, said):
    """What aics-tlog says of every tile and every bundle of entries; None where it refuses them."""
    try:
        return tlog.audit_tiles(reader, said.size, said.root)
    except (tlog.TileVerificationError, tlog.TileMissingError):
        return None


def holds(what, is_so):
    print(("accepted: " if is_so else "NOT AS IT SHOULD BE: ") + what)
    failed.append(what) if not is_so else None


def refused(what, is_taken):
    print(("refused:  " if not is_taken else "NOT AS IT SHOULD BE, taken: ") + what)
    failed.append(what) if is_taken else None


failed = []
key = tlog.parse_vkey(get(LOG + "key").decode().strip())
old_note, old = settled(key)
holds(f"the checkpoint over {old.size} events of {old.origin}", old.ok)
numbers = [file(it) for it in range(NEW)]
new_note, new = newest(key, old.size)
new_note, new = settled(key)
holds(f"the checkpoint over {new.size} events, after {NEW} requests were filed", new.ok)

reader = Kept(tlog.HttpTileReader([LOG]))
report = audited(reader, new)
holds(f"{report and report.tiles} tiles and {report and report.bundles} bundles of entries", report is not None)
verified = tlog.VerifiedTileReader(reader, new.size, new.root)
growth = tlog.consistency_proof_from_tiles(verified, old.size, new.size)
holds(f"that the first {old.size} events are still those", tlog.verify_consistency(old.size, new.size, old.root, new.root, growth))
some = {*range(0, new.size, EVERY), *range(old.size - 1, new.size)}
paths = {it: tlog.inclusion_proof_from_tiles(verified, it, new.size) for it in sorted(some)}
entries = {it: verified.entry(it) for it in paths}
included = [tlog.verify_leaf_inclusion(entries[it], it, new.size, path, new.root) for it, path in paths.items()]
holds(f"inclusion proofs of {len(included)} events, each new one among them", all(included))
receipts = {it: receipt(it) for it in numbers}
for number, text in receipts.items():
    holds(f"the receipt of {number}", proven(key, text, verified.entry))

print()
text = new_note.decode()
refused("a checkpoint over one event more", head(key, text.replace(f"\n{new.size}\n", f"\n{new.size + 1}\n", 1)).ok)
other = base64.b64encode(bytes([new.root[0] ^ 1]) + new.root[1:]).decode()
refused("a checkpoint with another root", head(key, text.replace(base64.b64encode(new.root).decode(), other, 1)).ok)
last = (new.size - 1) // 256
for what in [("tile", 0, 0), ("tile", 0, last), ("tile", 1, 0), ("entries", 0), ("entries", last)]:
    if what != ("tile", 1, 0) or new.size >= 256:
        refused(f"one bit of {' '.join(map(str, what))}", audited(Changed(reader, what), new))
refused("an older root that never was", tlog.verify_consistency(old.size, new.size, bytes(32), new.root, growth))
refused("growth with one step changed", tlog.verify_consistency(old.size, new.size, old.root, new.root, [bytes(32)] + growth[1:]))
refused("an event at another place", tlog.verify_leaf_inclusion(entries[0], EVERY, new.size, paths[EVERY], new.root))
refused("another event", tlog.verify_leaf_inclusion(bytes(32), 0, new.size, paths[0], new.root))
number, text = next(iter(receipts.items()))
refused(f"the receipt of {number} for the event before", proven(key, text, lambda it: verified.entry(it - 1)))
lines = text.split("\n")
step = next(at for at, it in enumerate(lines) if it.startswith("index ")) + 1
lines[step] = base64.b64encode(bytes(32)).decode()
refused(f"the receipt of {number} with one step changed", proven(key, "\n".join(lines), verified.entry))

print(f"\naics-tlog {tlog.__version__}: " + ("all of it as it should be" if not failed else f"{len(failed)} are not"))
sys.exit(bool(failed))
