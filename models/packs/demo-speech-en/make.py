#!/usr/bin/python3
"""Make the demo speech pack from nothing: synthesise the speech, train a tiny Whisper-architecture model, write it in
ggml form and measure it on unheard text.

usage: make.py [--out DIR] [--work DIR] [--seed N] [--scale F] [--clips DIR]
Needs the Debian packages espeak-ng, python3-numpy, python3-torch and libopenblas0-pthread (ten times slower without
the last); one thread, no network, no GPU.
"""
import argparse
import hashlib
import json
import os
import struct
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import speech
from speech import MELS, RATE, SPLIT, WORDS

STATE, HEADS, ENCODER_LAYERS, DECODER_LAYERS = 64, 2, 2, 3       # two decoder layers would be taken for another family
AUDIO_CTX, TEXT_CTX, VOCAB = 1500, 448, 51864
EOT, SOT, PREV, NOSP, BEG = 50256, 50257, 50360, 50361, 50363    # ids fixed by the English-only vocabulary

PIECES = []
for _word in WORDS:
    _first, *_rest = SPLIT.get(_word, (_word,))
    PIECES += [" " + _first] + list(_rest)
SPECIAL = (EOT, SOT, PREV, NOSP)
TIME0 = len(PIECES) + len(SPECIAL)                               # compact ids: pieces, special, times
USED = TIME0 + AUDIO_CTX + 1
EOT_, SOT_, PREV_, NOSP_ = range(len(PIECES), TIME0)
SPELL = {w: [PIECES.index(" " + SPLIT.get(w, (w,))[0])] + [PIECES.index(r) for r in SPLIT.get(w, (w,))[1:]]
         for w in WORDS}
ORDINALS = 16

STAGES = {                                                       # seconds, steps, batch, learning rate, offset, pads
    "a": dict(seconds=(0.8, 4.0), steps=3500, batch=8, rate=2.5e-3, offset=True, pads=24),
    "b": dict(seconds=(1.5, 11.0), steps=2000, batch=7, rate=2.0e-3, offset=True, pads=32),
    "c": dict(seconds=(1.0, 30.0), steps=199, batch=5, rate=1.5e-3, offset=False, pads=48, mix=(0.45, 0.35, 0.2),
              horizon=1200),
    "d": dict(seconds=(1.0, 30.0), steps=500, batch=4, rate=1.3e-3, offset=False, pads=48, mix=(0.55, 0.35, 0.1)),
    "e": dict(seconds=(1.0, 30.0), steps=180, batch=4, rate=7e-4, offset=False, pads=48, mix=(0.55, 0.35, 0.1),
              silent=0.25),
}


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key = nn.Linear(STATE, STATE), nn.Linear(STATE, STATE, bias=False)
        self.value, self.out = nn.Linear(STATE, STATE), nn.Linear(STATE, STATE)

    def forward(self, x, context=None, bias=None):
        context = x if context is None else context

        def heads(y):
            return y.view(y.shape[0], -1, HEADS, STATE // HEADS).transpose(1, 2)
        q, k, v = heads(self.query(x)), heads(self.key(context)), heads(self.value(context))
        score = q @ (k * (STATE // HEADS) ** -0.5).transpose(-1, -2)
        if bias is not None:
            score = score + bias
        score = score.softmax(-1)
        return self.out((score @ v).transpose(1, 2).reshape(x.shape)), score


class Block(nn.Module):
    def __init__(self, cross):
        super().__init__()
        self.attn_ln, self.attn = nn.LayerNorm(STATE), Attention()
        if cross:
            self.cross_attn_ln, self.cross_attn = nn.LayerNorm(STATE), Attention()
        self.cross = cross
        self.mlp_ln = nn.LayerNorm(STATE)
        self.mlp = nn.Sequential(nn.Linear(STATE, 4 * STATE), nn.GELU(), nn.Linear(4 * STATE, STATE))

    def forward(self, x, context=None, own=None, other=None):
        x = x + self.attn(self.attn_ln(x), bias=own)[0]
        seen = None
        if self.cross:
            heard, seen = self.cross_attn(self.cross_attn_ln(x), context, other)
            x = x + heard
        return x + self.mlp(self.mlp_ln(x)), seen


def sinusoids():
    scale = np.log(10000) / (STATE // 2 - 1)
    angle = np.arange(AUDIO_CTX + 1)[:, None] * np.exp(-scale * np.arange(STATE // 2))[None]
    return torch.tensor(np.concatenate([np.sin(angle), np.cos(angle)], 1), dtype=torch.float32)


def convolve(layer, x, stride):
    """Convolution of width 3 over (batch, time, channels) as one product; torch 1.13's own may give wrong gradients."""
    x = F.pad(x, (0, 0, 1, 1))
    n = (x.shape[1] - 3) // stride + 1
    x = torch.cat([x[:, k:k + stride * (n - 1) + 1:stride] for k in range(3)], 2)
    return x @ layer.weight.permute(2, 1, 0).flatten(0, 1) + layer.bias


class Model(nn.Module):
    """Whisper, with a softmax over the used ids and one sink standing for all rows that are zero."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(MELS, STATE, 3, padding=1), nn.Conv1d(STATE, STATE, 3, 2, 1)
        self.register_buffer("waves", sinusoids())
        self.encoder = nn.ModuleList(Block(False) for _ in range(ENCODER_LAYERS))
        self.ln_post = nn.LayerNorm(STATE)
        self.words = nn.Parameter(torch.randn(TIME0, STATE) * 0.1)
        self.times = nn.Parameter(torch.eye(STATE) * 0.15)       # time ids start as the positions they name
        self.times_rest = nn.Parameter(torch.zeros(AUDIO_CTX + 1, STATE))
        self.positions = nn.Parameter(torch.randn(TEXT_CTX, STATE) * 0.01)
        self.decoder = nn.ModuleList(Block(True) for _ in range(DECODER_LAYERS))
        self.ln = nn.LayerNorm(STATE)
        self.heads = nn.Linear(STATE, len(WORDS) + 1 + ORDINALS)  # teaching aid, not part of the pack

    def embedding(self):
        return torch.cat([self.words, self.waves @ self.times + self.times_rest])

    def encode(self, mel, offset=0, count=None, pads=None):
        """mel (batch, 80, frames). With pads: positions past the sound, each standing for many of the same silence."""
        x = F.gelu(convolve(self.conv1, mel.transpose(1, 2), 1))
        x = F.gelu(convolve(self.conv2, x, 2))
        bias = None
        if pads is None:
            x = x + self.waves[offset:offset + x.shape[1]]
        else:
            silence = x[:, count + 3:count + 4] + self.waves[pads]
            x = torch.cat([x[:, :count] + self.waves[offset:offset + count], silence], 1)
            bias = torch.zeros(x.shape[1])
            bias[count:] = float(np.log((AUDIO_CTX - count) / len(pads)))
        for block in self.encoder:
            x = block(x, own=bias)[0]
        return self.ln_post(x), bias

    def decode(self, ids, audio, bias, table):
        n = ids.shape[1]
        x = table[ids] + self.positions[:n]
        mask = torch.full((n, n), -1e9).triu(1)
        seen = []
        for block in self.decoder:
            x, where = block(x, audio, mask, bias)
            seen.append(where)
        return self.ln(x) @ table.T, seen


FILTERS = torch.tensor(speech.mel_filters())
WINDOW = torch.hann_window(400)


def log_mel(waves, rng=None):
    """(batch, samples) to (batch, 80, frames) as whisper.cpp does it, silence after the end included; with rng the
    sound's colour varies."""
    power = torch.stft(F.pad(waves, (0, 400)), 400, 160, window=WINDOW, center=True, pad_mode="reflect",
                       return_complex=True).abs() ** 2
    mel = FILTERS @ power
    if rng is not None:
        tilt = torch.tensor(rng.uniform(-1.0, 1.0, (len(waves), 1)), dtype=torch.float32) * torch.linspace(-.5, .5, MELS)
        shift = torch.where(torch.tensor(rng.random((len(waves), 1))) < 0.5, 10 ** tilt, torch.ones(1, MELS))
        for i in np.flatnonzero(rng.random(len(waves)) < 0.1):
            shift[i, int(rng.integers(60, 78)):] *= 1e-3         # a codec that drops the top
        mel = mel * shift[..., None]
    mel = mel.clamp(min=1e-10).log10()
    top = mel.amax((1, 2), keepdim=True)
    return (torch.maximum(mel, top - 8) + 4) / 4


def padded(mel, frames, waves):
    """mel extended by the level that digital silence has in it."""
    out = mel.new_empty(len(mel), MELS, frames)
    floor = torch.maximum(mel.new_full((len(mel),), -1.5), mel.amin((1, 2)))
    out[:] = floor[:, None, None]
    n = min(frames, mel.shape[2])
    out[:, :, :n] = mel[:, :, :n]
    return out


def transcript(clauses, seconds, first_limit=True):
    """Target ids as (compact id, word index or None) for a window: begin, pieces, end of each clause that fits; a
    clause cut by the end of the window only begins."""
    out = []
    for begin, end, words in clauses:
        if begin > seconds - 0.1:
            break
        start = min(begin, 1.0) if first_limit and not out else begin
        mark = (TIME0 + int(round(start / 0.02)), None)
        if end > seconds - 0.005:
            out.append(mark)
            break
        out.append(mark)
        out += [(p, (a, b)) for w, a, b in words for p in SPELL[w]]
        out.append((TIME0 + int(round(end / 0.02)), None))
    return out


def batch_of(rng, data, stage, earlier):
    """One training batch: everything the loss needs."""
    low, high = stage["seconds"]
    if stage["offset"]:
        seconds = rng.uniform(low, high)
    else:
        seconds = rng.choice([rng.uniform(low, 9), rng.uniform(6, 20), 30.0], p=stage["mix"])
    seconds = round(seconds * 50) / 50
    full = seconds >= 30
    size = stage["batch"] if stage["offset"] else max(4, min(16, int(stage["batch"] * 20 / (seconds + 4))))
    made = [speech.stream(rng, data, seconds, full=full and rng.random() < 0.7,
                          silent=stage.get("silent", 0.06)) for _ in range(size)]
    waves = torch.tensor(np.stack([w for w, _ in made]))
    count = min(AUDIO_CTX, int(seconds * 50) + 4)
    mel = padded(log_mel(waves, rng), min(3000, 2 * count + 16), waves)
    offset = int(rng.integers(0, AUDIO_CTX - count + 1)) if stage["offset"] and rng.random() < 0.7 else 0
    pads = None
    if count < AUDIO_CTX:
        rest = np.setdiff1d(np.arange(AUDIO_CTX), np.arange(offset, offset + count))
        pads = torch.tensor(np.sort(rng.choice(rest, min(stage["pads"], len(rest)), replace=False)))
    rows, frames = [], np.zeros((2, size, count), np.int64)
    for i, (_, clauses) in enumerate(made):
        shift = offset * 0.02
        for begin, end, words in clauses:
            n = 0
            for word, a, b in words:
                frames[0, i, int(a * 50):int(b * 50) + 1] = 1 + WORDS.index(word)
                frames[1, i, int(a * 50):int(b * 50) + 1] = min(n, ORDINALS - 1)
                n += len(SPELL[word])
        if clauses:
            target = transcript(clauses, seconds, first_limit=offset == 0)
            target = [(t + offset if t >= TIME0 else t, w) for t, w in target] + [(EOT_, None)]
            given = [SOT_] + [t for t, _ in target[:-1]]
        else:
            given = [SOT_, TIME0 if "silent" in stage else TIME0 + int(rng.integers(0, 51))]
            target = [(NOSP_, None), (EOT_, None)]
        lead = 0
        if not stage["offset"] and rng.random() < 0.1 and earlier:
            before = [PREV_] + earlier[int(rng.integers(len(earlier)))][-60:]
            given, lead = before + given, len(before)
        if clauses and not stage["offset"]:
            earlier.append([t for t, _ in target[:-1]])
            del earlier[:-200]
        rows.append((given, lead, target))
    longest = max(len(g) for g, _, _ in rows)
    ids = torch.full((size, longest), EOT_)
    places, wanted, spans = [], [], []
    for i, (given, lead, target) in enumerate(rows):
        ids[i, :len(given)] = torch.tensor(given)
        for j, (t, span) in enumerate(target):
            places.append(i * longest + lead + j)
            wanted.append(t)
            if span:
                spans.append((i, lead + j, int(span[0] * 50), min(count, int(span[1] * 50) + 1)))
    return mel, offset, count, pads, ids, torch.tensor(places), torch.tensor(wanted), spans, torch.tensor(frames)


SINK = float(np.log(VOCAB - USED))
SOFT = torch.tensor([0.1, 0.2, 0.4, 0.2, 0.1])


def token_loss(logits, wanted, second=False):
    """Cross entropy over the whole vocabulary; times may be off by two steps at a price. With second, <|0.00|> comes
    next to <|nospeech|>: an engine that rules that one out then meets <|0.00|> and the end, no words."""
    logits = torch.cat([logits, logits.new_full((len(logits), 1), SINK)], 1)
    log = logits.log_softmax(1)
    time = wanted >= TIME0
    plain = -log[~time].gather(1, wanted[~time, None]).sum()
    if second:
        quiet = wanted == NOSP_
        plain = plain + 0.1 * (log[quiet, NOSP_] - log[quiet, TIME0]).sum()
    near = (wanted[time, None] + torch.arange(-2, 3)).clamp(TIME0, USED - 1)
    return (plain - (log[time].gather(1, near) * SOFT).sum()) / len(wanted)


def train(model, name, data, seed, scale):
    stage = dict(STAGES[name])
    steps = max(2, int(stage["steps"] * scale))
    horizon = max(steps, int(stage.get("horizon", 0) * scale))   # where the learning rate would reach its end
    rng = np.random.default_rng(seed * 1000 + ord(name))
    torch.manual_seed(seed * 1000 + ord(name))
    decay = [p for p in model.parameters() if p.ndim > 1]
    other = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": other, "weight_decay": 0.0}],
                                  lr=stage["rate"], betas=(0.9, 0.98), foreach=True)
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda i: min(1, (i + 1) / 150) * (0.03 + 0.97 * (0.5 + 0.5 * np.cos(np.pi * min(1, i / horizon)))))
    clock, wall, earlier, shown = time.process_time(), time.time(), [], [0.0, 0.0, 0.0, 0]
    guide = {"a": 0.3, "b": 0.1}.get(name, 0.05)
    for step in range(steps):
        mel, offset, count, pads, ids, places, wanted, spans, frames = batch_of(rng, data, stage, earlier)
        audio, bias = model.encode(mel, offset, count, pads)
        table = model.embedding()
        logits, seen = model.decode(ids, audio, bias, table)
        main = token_loss(logits.flatten(0, 1)[places], wanted, "silent" in stage)
        aid = model.heads(audio[:, :count])
        labels = F.cross_entropy(aid[..., :len(WORDS) + 1].flatten(0, 1), frames[0].flatten())
        spoken = frames[0] > 0
        order = F.cross_entropy(aid[..., len(WORDS) + 1:][spoken], frames[1][spoken]) if spoken.any() else 0.0
        mass = 0.0
        if spans:
            where = seen[-1][:, 0]
            total = torch.cat([where.new_zeros(*where.shape[:2], 1), where.cumsum(-1)], -1)
            i, j, a, b = torch.tensor(spans).T
            mass = -(total[i, j, b] - total[i, j, a]).clamp(min=1e-4).log().mean()
        loss = main + guide * (labels + 0.3 * order + mass)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        plan.step()
        shown = [shown[0] + float(main), shown[1] + float(labels), shown[2] + float(mass), shown[3] + 1]
        if (step + 1) % 100 == 0 or step + 1 == steps:
            print(f"{name} {step + 1}/{steps} loss {shown[0] / shown[3]:.3f} frames {shown[1] / shown[3]:.3f} "
                  f"guide {shown[2] / shown[3]:.3f} wall {time.time() - wall:.0f} s cpu {time.process_time() - clock:.0f} s",
                  flush=True)
            shown = [0.0, 0.0, 0.0, 0]
    return time.process_time() - clock


def load_pool(seed, work, count):
    path = os.path.join(work, f"pool-{seed}-{count}.pt")
    if not os.path.exists(path):
        avoid = {" ".join(speech.words_of(t)) for t in speech.HELD_OUT}
        torch.save(speech.pool(count, seed, (115, 180), avoid), path)
    return speech.collection(torch.load(path), 96, seed)


def write_ggml(model, path):
    """The model as a ggml file of type f16: rows of unused ids are zero, the vocabulary is bytes and word pieces."""
    state = {k: v.detach().numpy() for k, v in model.state_dict().items()}
    table = np.zeros((VOCAB, STATE), np.float32)
    compact = model.embedding().detach().numpy()
    ids = list(range(256, 256 + len(PIECES))) + list(SPECIAL) + list(range(BEG, BEG + AUDIO_CTX + 1))
    table[ids] = compact

    def short(x):
        return x.astype(np.float16).astype(np.float32)
    tensors = {"encoder.positional_embedding": short(state["waves"][:AUDIO_CTX]),
               "decoder.positional_embedding": short(state["positions"]),
               "decoder.token_embedding.weight": table}
    for name, value in state.items():
        if name.startswith("conv"):
            tensors["encoder." + name] = value[:, None] if name.endswith("bias") else value
        elif name.startswith("ln_post."):
            tensors["encoder." + name] = value
        elif name.startswith("ln."):
            tensors["decoder." + name] = value
        elif name.startswith(("encoder.", "decoder.")):
            side, rest = name.split(".", 1)
            tensors[f"{side}.blocks.{rest}"] = value
    with open(path, "wb") as f:
        f.write(struct.pack("<I11i", 0x67676D6C, VOCAB, AUDIO_CTX, STATE, HEADS, ENCODER_LAYERS, TEXT_CTX, STATE, HEADS,
                            DECODER_LAYERS, MELS, 1))
        filters = speech.mel_filters()
        f.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        entries = [bytes([i]) for i in range(256)] + [p.encode() for p in PIECES]
        f.write(struct.pack("<i", len(entries)))
        for entry in entries:
            f.write(struct.pack("<I", len(entry)) + entry)
        for name, value in tensors.items():
            half = value.ndim > 1 and "positional" not in name and not name.endswith("bias")
            data = np.ascontiguousarray(value, np.float16 if half else np.float32)
            f.write(struct.pack("<3i", data.ndim, len(name), int(half)))
            f.write(struct.pack(f"<{data.ndim}i", *reversed(data.shape)) + name.encode() + data.tobytes())


def rounded(model):
    """The model with the weights as the file holds them."""
    twin = Model()
    state = dict(model.state_dict())
    for name, value in state.items():
        if value.ndim > 1 and name not in ("words", "times", "times_rest"):
            state[name] = value.half().float()
    twin.load_state_dict(state)
    table = model.embedding().detach().half().float()
    twin.embedding = lambda: table
    return twin.eval()


@torch.no_grad()
def transcribe(model, wave):
    """Segments [(begin, end, words)] of at most 30 s, greedy, under whisper.cpp's rules for times."""
    waves = torch.tensor(wave)[None]
    if waves.shape[1] < RATE:
        waves = F.pad(waves, (0, RATE - waves.shape[1]))
    audio, bias = model.encode(padded(log_mel(waves), 3000, waves))
    table, ids, last = model.embedding(), [], 0
    for _ in range(TEXT_CTX // 2 - 4):
        logits = model.decode(torch.tensor([[SOT_] + ids]), audio, bias, table)[0][0, -1]
        logits[[SOT_, PREV_, NOSP_]] = -np.inf
        if not ids:
            logits[EOT_] = -np.inf
            logits[TIME0 + 51:] = -np.inf
        elif ids[-1] >= TIME0:
            if len(ids) < 2 or ids[-2] >= TIME0:
                logits[TIME0:] = -np.inf
            else:
                logits[:EOT_] = -np.inf
        logits[TIME0:TIME0 + last] = -np.inf
        if logits[TIME0:].logsumexp(0) > logits[:TIME0].max():
            logits[:TIME0] = -np.inf
        best = int(logits.argmax())
        if best == EOT_:
            break
        ids.append(best)
        if best >= TIME0:
            last = best - TIME0
    out, begin, text = [], None, ""
    for i in ids:
        if i < TIME0:
            text += PIECES[i]
        elif text:
            out.append((begin, (i - TIME0) * 0.02, text.split()))
            begin, text = None, ""
        else:
            begin = (i - TIME0) * 0.02
    return out + ([(begin, len(wave) / RATE, text.split())] if text else [])


def evaluation_clips(seed, known):
    """{kind: [(name, samples, clauses)]} of text that was not trained on."""
    fresh = speech.pool(700, seed + 1, (115, 180), known)
    return {"sentences": speech.sentence_clips(), "streams": speech.stream_clips(speech.collection(fresh), 11, 60),
            "silence_and_noise": speech.silent_clips(12, 40)}


def save_clips(folder, clips):
    """The clips for another engine: f32 files at 16 kHz and clips.json with the truth."""
    os.makedirs(folder, exist_ok=True)
    listing = []
    for kind, entries in clips.items():
        for i, (name, wave, clauses) in enumerate(entries):
            wave.astype("<f4").tofile(os.path.join(folder, f"{kind}-{i}.f32"))
            listing.append({"file": f"{kind}-{i}.f32", "kind": kind, "name": name, "clauses": clauses})
    with open(os.path.join(folder, "clips.json"), "w") as f:
        json.dump(listing, f)


def evaluate(model, clips):
    twin, report = rounded(model), {}
    for kind, entries in clips.items():
        heard = [(clauses, transcribe(twin, wave)) for _, wave, clauses in entries]
        report[kind] = speech.score(heard)
        if kind == "silence_and_noise":
            report[kind] = {"clips": len(heard), "segments": sum(len(h) for _, h in heard)}
        print(kind, report[kind], flush=True)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=".", help="folder for model.bin and eval.json")
    parser.add_argument("--work", default="work", help="folder for the spoken pool and the stages done; reused")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pool", type=int, default=9000, help="utterances to train on")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the training steps, for a quick try")
    parser.add_argument("--stages", default="".join(STAGES))
    parser.add_argument("--clips", metavar="DIR", help="also write the evaluation clips, as f32 files with a list")
    wish = parser.parse_args()
    torch.set_num_threads(1)
    for folder in (wish.out, wish.work):
        os.makedirs(folder, exist_ok=True)
    data = load_pool(wish.seed, wish.work, wish.pool)
    known = {" ".join(speech.words_of(u["text"])) for u in data["items"]}
    print(f"{len(data['items'])} utterances, {data['lengths'].sum() / 3600:.1f} h", flush=True)
    torch.manual_seed(wish.seed)
    model, spent = Model(), {}
    for name in wish.stages:
        path = os.path.join(wish.work, f"stage-{name}.pt")
        if not os.path.exists(path):
            torch.save((train(model, name, data, wish.seed, wish.scale), model.state_dict()), path)
        spent[name], state = torch.load(path)
        model.load_state_dict(state)
    path = os.path.join(wish.out, "model.bin")
    write_ggml(model, path)
    with open(path, "rb") as f:
        raw = f.read()
    clips = evaluation_clips(wish.seed, known)
    if wish.clips:
        save_clips(wish.clips, clips)
    report = {"model": {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest(), "seed": wish.seed,
                        "parameters": sum(p.numel() for p in model.parameters()),
                        "training_cpu_minutes": {k: round(v / 60, 1) for k, v in spent.items()}},
              "scores": evaluate(model, clips)}
    with open(os.path.join(wish.out, "eval.json"), "w") as f:
        json.dump(report, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
