"""Writes the weights of the GE2E voice encoder from resemblyzer's wheel as a safetensors file, and its licence.

    ge2e.py WHEEL FOLDER

The wheel holds a checkpoint in PyTorch's old format: pickles, then the numbers of all storages. Only the network is
taken, not the state of its training. Needs neither PyTorch nor NumPy, and the pickles may name three things and no
others, so that reading them runs nothing.
"""

import collections
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile

CHECKPOINT = "resemblyzer/pretrained.pt"
MAGIC = 0x1950A86A20F9469CFC6C
PARTS = ("lstm.", "linear.")
VALUES = 4 * 256 * (40 + 256 + 2) + 2 * 4 * 256 * (256 + 256 + 2) + 256 * (256 + 1)


class FloatStorage:
    """Stands for PyTorch's storage of 32-bit numbers."""


def rebuild_tensor(storage, offset, size, stride, *_):
    """What is known of a tensor before the numbers come."""
    return {"storage": storage, "offset": offset, "size": size, "stride": stride}


class Reader(pickle.Unpickler):
    """Knows what is in a checkpoint, and nothing else."""

    NAMES = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch", "FloatStorage"): FloatStorage,
        ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
    }

    def find_class(self, module, name):
        if (module, name) not in self.NAMES:
            raise pickle.UnpicklingError(f"the checkpoint names {module}.{name}")
        return self.NAMES[(module, name)]

    def persistent_load(self, reference):
        kind, storage, key, _location, count, view = reference
        if kind != "storage" or storage is not FloatStorage or view is not None:
            raise pickle.UnpicklingError(f"the checkpoint holds a {kind} of another kind")
        return key, count


def storages(file, keys):
    """The bytes of each storage, in the order in which they were written."""
    read = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        read[key] = file.read(4 * count)
        if len(read[key]) != 4 * count:
            raise ValueError("the checkpoint ends too early")
    return read


def contiguous(size):
    """The strides of a tensor whose numbers lie one after another."""
    strides, step = [], 1
    for length in reversed(size):
        strides.insert(0, step)
        step *= length
    return tuple(strides)


def main(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        file = io.BytesIO(archive.read(CHECKPOINT))
        (licence,) = (archive.read(name) for name in archive.namelist() if name.endswith(".dist-info/LICENSE"))
    if Reader(file).load() != MAGIC:
        raise ValueError("not a checkpoint in PyTorch's old format")
    _protocol, system = Reader(file).load(), Reader(file).load()
    if not system["little_endian"]:
        raise ValueError("the checkpoint's numbers are big-endian")
    state = Reader(file).load()["model_state"]
    data = storages(file, Reader(file).load())

    header, body = {}, b""
    for name, tensor in sorted(state.items()):
        if not name.startswith(PARTS):
            continue
        if tuple(tensor["stride"]) != contiguous(tensor["size"]):
            raise ValueError(f"{name} is not contiguous")
        key, _ = tensor["storage"]
        count = 1
        for length in tensor["size"]:
            count *= length
        numbers = data[key][4 * tensor["offset"] :][: 4 * count]
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor["size"]),
            "data_offsets": [len(body), len(body) + len(numbers)],
        }
        body += numbers
    if len(body) != 4 * VALUES:
        raise ValueError(f"the network has {len(body) // 4} weights instead of {VALUES}")
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (folder / "LICENSE.txt").write_bytes(licence)
    (folder / "ge2e.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
