"""Training speech for the demo speech pack: closed vocabulary, sentences, espeak-ng synthesis with word times, streams
of clauses with known segment times, and the log-mel front end.  Used by make.py."""
import ctypes
import multiprocessing
import random

import numpy as np

RATE = 16000                       # what the model hears
HOP = 160                          # samples per mel frame; an encoder position is two frames (20 ms)
MELS = 80
DIGITS = "zero one two three four five six seven eight nine".split()
OTHERS = ("yes no left right camera record scene action window take sound light stop start ready open close door go "
          "and the cut").split()
WORDS = DIGITS + OTHERS
SPLIT = {"camera": ("cam", "era"), "record": ("rec", "ord"), "action": ("act", "ion"), "window": ("win", "dow")}

# Names as the library knows them (gmw/en is the British voice en-gb) and how often each is used.
VOICES = (("en-us", 50), ("gmw/en", 20), ("en-us+f3", 15), ("en-us+m3", 15))
TEMPLATES = (
    "camera # D", "scene # D", "take # D", "record scene # D", "scene # D take # D", "camera # D ready", "ready",
    "start camera # D", "stop camera # D", "record camera # D", "camera # D record scene # D", "action", "cut", "go",
    "sound ready", "light ready", "camera ready", "open the N", "close the N", "open the N and close the N", "yes",
    "go S", "go S and stop", "camera # D go S", "start the N", "stop the N", "start sound and camera # D", "no",
    "record the N", "cut the sound", "cut the light", "light S", "sound S", "camera S", "the S camera", "the S N",
    "open the S N", "close the S window", "take # D scene # D action", "record and go", "stop and cut", "yes ready",
    "no sound", "no light", "no take # D", "record sound and light", "start scene # D", "stop scene # D", "stop",
    "# D # D # D", "# D # D", "camera # D and camera # D", "scene # D and scene # D", "the N and the N", "ready go",
    "record scene # D take # D", "open the door and go S", "close the door", "open the window", "start", "record",
    "stop the sound and close the door", "start the light", "left and right", "go right and start camera # D",
    "light on", "action camera # D", "cut camera # D", "take # D ready", "ready camera # D action", "S camera ready",
)
NOUNS = "window door camera light sound scene take record".split()


class Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""
    _fields_ = [("type", ctypes.c_int), ("uid", ctypes.c_uint), ("position", ctypes.c_int), ("length", ctypes.c_int),
                ("audio", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", ctypes.c_char * 8)]


class Espeak:
    """espeak-ng as a library: the samples are those of the espeak-ng command, with a time for each word."""
    WORD, END = 1, 5

    def __init__(self):
        self.lib = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.lib.espeak_Initialize(2, 0, None, 0)
        self.lib.espeak_Synth.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
                                          ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p]
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))
        self.callback = kind(self.collect)
        self.lib.espeak_SetSynthCallback(self.callback)
        self.audio, self.events = [], []

    def collect(self, wave, count, events):
        if wave and count > 0:
            self.audio.append(np.ctypeslib.as_array(wave, (count,)).copy())
        i = 0
        while events[i].type != 0:
            self.events.append((events[i].type, events[i].length, events[i].audio / 1000))
            i += 1
        return 0

    def say(self, text, voice, speed, pitch=50):
        """(samples at 16 kHz, [(type, seconds)]) of one text."""
        self.audio.clear()
        self.events.clear()
        self.lib.espeak_SetVoiceByName(voice.encode())
        for parameter, value in ((1, speed), (3, pitch)):
            self.lib.espeak_SetParameter(parameter, value, 0)
        raw = text.encode()
        self.lib.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, 1, None, None)
        wave = np.concatenate(self.audio).astype(np.float32) / 32768
        events = [(k, t) for k, n, t in self.events if k == self.END or (k == self.WORD and n > 0)]
        return resample(wave, self.rate), events


def resample(wave, rate):
    """Band-limited change of rate to 16 kHz through the spectrum."""
    if rate == RATE:
        return wave
    whole = np.gcd(rate, RATE)
    up, down = RATE // whole, rate // whole
    blocks = -(-(len(wave) + 400) // down)
    spectrum = np.fft.rfft(np.pad(wave, (0, blocks * down - len(wave))))
    out = np.fft.irfft(spectrum[:blocks * up // 2 + 1], blocks * up) * (up / down)
    return out[:len(wave) * up // down].astype(np.float32)


def clause(rng):
    """The words of one clause: two thirds from sentence patterns, the rest any words in any order."""
    if rng.random() < 0.66:
        words = []
        for part in rng.choice(TEMPLATES).replace("# D", "#").split():
            if part == "#":
                words += [rng.choice(DIGITS) for _ in range(1 if rng.random() < 0.8 else 2)]
            elif part == "N":
                words.append(rng.choice(NOUNS))
            elif part == "S":
                words.append(rng.choice(("left", "right")))
            elif part in WORDS:
                words.append(part)
        return words
    return [rng.choice(WORDS) for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7)))]


def sentence(rng):
    """One text to be spoken: one to four clauses; a full stop before a capital pauses, before a small letter not."""
    text = ""
    for i in range(rng.choice((1, 1, 2, 2, 3, 4))):
        part = " ".join(clause(rng))
        if i == 0:
            text = part.capitalize() if rng.random() < 0.7 else part
        else:
            joint = rng.choices((". ", ", ", "; ", ".", " "), (60, 20, 5, 15, 0))[0]
            text += (". " + part.capitalize()) if joint == ". " else (". " + part) if joint == "." else joint + part
    return text + (rng.choice((".", ".", ".", "?", "!")) if rng.random() < 0.8 else "")


def words_of(text):
    return "".join(c if c.isalpha() else " " for c in text.lower()).split()


def utterance(espeak, text, voice, speed, pitch):
    """dict of audio and clauses [(begin, end, [(word, begin, end)])], or None where word times do not fit the text."""
    wave, events = espeak.say(text, voice, speed, pitch)
    words = words_of(text)
    if sum(k == espeak.WORD for k, _ in events) != len(words):
        return None
    step = RATE // 100
    frames = len(wave) // step
    loud = np.sqrt((wave[:frames * step].reshape(frames, step) ** 2).mean(1))
    loud = loud > 0.01 * loud.max()
    clauses, starts, at = [], [], 0
    for kind, time in events:
        if kind == espeak.WORD:
            starts.append(time)
            continue
        if not starts:
            continue
        heard = np.flatnonzero(loud[int(starts[0] * 100):int(time * 100) + 1])
        if len(heard) == 0:
            return None
        begin, end = starts[0] + heard[0] / 100, int(starts[0] * 100) / 100 + (heard[-1] + 1) / 100
        edges = [begin] + starts[1:] + [end]
        clauses.append((begin, end, [(words[at + i], edges[i], edges[i + 1]) for i in range(len(starts))]))
        at += len(starts)
        starts = []
    if starts or not clauses:
        return None
    return {"text": text, "voice": voice, "speed": speed, "clauses": clauses,
            "audio": np.clip(wave * 32767, -32768, 32767).astype(np.int16)}


def speak_all(orders):
    espeak = Espeak()
    return [utterance(espeak, *order) for order in orders]


def speak_apart(orders):
    """Utterances of one voice from a fresh process: the library keeps traces of the voice before."""
    with multiprocessing.get_context("fork").Pool(1) as child:
        return [u for u in child.apply(speak_all, (orders,)) if u]


def pool(count, seed, speeds, avoid=()):
    """About count utterances, shortest first, with texts not in avoid."""
    rng, names, weights = random.Random(seed), *zip(*VOICES)
    orders = {name: [] for name in names}
    for _ in range(count):
        text, voice = sentence(rng), rng.choices(names, weights)[0]
        speed, pitch = rng.randint(*speeds), rng.choice((50, 50, rng.randint(40, 60)))
        if " ".join(words_of(text)) not in avoid:
            orders[voice].append((text, voice, speed, pitch))
    out = []
    for name in names:
        out += speak_apart(orders[name])
    return sorted((u for u in out if len(u["audio"]) < 12 * RATE), key=lambda u: len(u["audio"]))


def noise(rng, samples):
    """Something that is no speech, about unit level: white, brown or pink noise, hum, tones, beeps, or nothing."""
    kind = rng.choice(["white", "white", "pink", "brown", "hum", "tone", "beeps", "zero"])
    t = np.arange(samples) / RATE
    if kind == "zero":
        return np.zeros(samples, np.float32), kind
    if kind == "tone":
        f = rng.choice([440, 1000, float(rng.integers(100, 4000))])
        return np.sin(2 * np.pi * f * t).astype(np.float32), kind
    if kind == "beeps":
        f, every = float(rng.integers(200, 3000)), float(rng.uniform(0.3, 1.5))
        return (np.sin(2 * np.pi * f * t) * ((t % every) < every * 0.3)).astype(np.float32), kind
    if kind == "hum":
        f = rng.choice([50, 60])
        return sum(np.sin(2 * np.pi * f * k * t) / k for k in (1, 2, 3, 5)).astype(np.float32), kind
    white = rng.standard_normal(samples).astype(np.float32)
    if kind == "white":
        return white, kind
    spectrum = np.fft.rfft(white)
    slope = np.arange(len(spectrum), dtype=np.float32) + 50
    shaped = np.fft.irfft(spectrum / (np.sqrt(slope) if kind == "pink" else slope), samples).astype(np.float32)
    return shaped / (shaped.std() + 1e-9), kind


def stream(rng, speech, seconds, full=False, silent=0.06):
    """(samples, clauses with times in the stream): utterances with gaps, gain and noise; full lets the last one be cut
    by the end of the stream, as the end of a 30 s window does."""
    samples = int(seconds * RATE)
    wave, clauses = np.zeros(samples, np.float32), []
    quiet = rng.random() < silent
    at = 0.0 if quiet else rng.choice([rng.uniform(0, 0.3), rng.uniform(0.2, 1.0), rng.uniform(0, 2.0)],
                                      p=[0.5, 0.35, 0.15])
    lengths = speech["lengths"]
    loose = rng.random() < 0.3
    while not quiet:
        room = seconds - at
        fits = len(lengths) if full else int(np.searchsorted(lengths, room))
        if room <= 0.2 or fits == 0:
            break
        one = speech["items"][int(rng.integers(fits))]
        audio = one["audio"].astype(np.float32) * (rng.uniform(0.25, 1.0) / 32768)
        start = int(at * RATE)
        audio = audio[:samples - start]
        wave[start:start + len(audio)] += audio
        clauses += [(a + at, b + at, [(w, p + at, q + at) for w, p, q in ws]) for a, b, ws in one["clauses"]]
        at += lengths_of(one) + (rng.uniform(0.0, 3.0) if loose else rng.uniform(0.05, 0.8))
        if not full and rng.random() < 0.12:
            break
    bed, kind = speech["beds"][int(rng.integers(len(speech["beds"])))] if "beds" in speech else noise(rng, samples)
    cut = int(rng.integers(len(bed) - samples + 1))
    bed = bed[cut:cut + samples]
    if quiet:
        wave = bed * np.float32(10 ** rng.uniform(-4, -0.3))
    else:
        if rng.random() < 0.85:
            top = -1.9 if kind in ("white", "pink", "brown") else -2.3
            wave += bed * np.float32(10 ** rng.uniform(-4.5, top))
        wave *= np.float32(10 ** rng.uniform(-1.0, 0.0))
    return np.clip(wave, -1, 1), clauses


def lengths_of(one):
    return len(one["audio"]) / RATE


def collection(items, beds=0, seed=0):
    """Utterances ready for stream, with that many noises made beforehand; without, each stream makes its own."""
    out = {"items": items, "lengths": np.array([lengths_of(u) for u in items])}
    if beds:
        rng = np.random.default_rng(seed)
        out["beds"] = [noise(rng, 31 * RATE) for _ in range(beds)]
    return out


def mel_filters():
    """Triangles on the Slaney mel scale, area-normalised: (80, 201)."""
    def hertz(m):
        return np.where(m < 15, m * 200 / 3, 1000 * np.exp((m - 15) * np.log(6.4) / 27))
    top = 15 + np.log(RATE / 2 / 1000) / (np.log(6.4) / 27)
    f, p = np.linspace(0, RATE / 2, 201), hertz(np.linspace(0, top, MELS + 2))
    up, down = (f - p[:-2, None]) / (p[1:-1] - p[:-2])[:, None], (p[2:, None] - f) / (p[2:] - p[1:-1])[:, None]
    return (np.maximum(0, np.minimum(up, down)) * (2 / (p[2:] - p[:-2]))[:, None]).astype(np.float32)


HELD_OUT = (                                                     # never spoken in training
    "Camera one. Record scene two. Action.", "Camera one, record scene two, action.",
    "Scene four, take seven. Sound ready. Camera ready. Action.", "Open the window and close the door.",
    "Start camera three and record the sound.", "Yes, the left camera and the right camera.",
    "Stop the camera. Close the window. Cut.", "Go left, go right, and stop.", "No. Open the door and start the light.",
    "Zero one two three four five six seven eight nine.", "Three, two, one, go.", "Scene nine, take five. Ready, action.",
    "Light ready, sound ready, camera two. Start.", "Record the action and cut the scene.",
    "Take six. Open the right window. Go.", "Camera eight, go left and record the door.",
    "Yes. Camera four and camera five ready.", "Start the scene. Stop the sound. Close the light.",
    "The window and the door, left and right.", "Record camera seven, take zero. Cut.",
)


def distance(a, b):
    """Edits between two word lists."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        old, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            old, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, old + (x != y))
    return row[-1]


def score(pairs):
    """pairs of (true clauses, heard segments): word error rate, and begin and end errors where the counts agree."""
    errors = words = same = 0
    edges = [[], []]
    for clauses, heard in pairs:
        truth = [w for _, _, ws in clauses for w, _, _ in ws]
        errors += distance(truth, [w for _, _, ws in heard for w in ws])
        words += len(truth)
        if len(clauses) == len(heard):
            same += 1
            for i, (c, h) in enumerate(zip(clauses, heard)):
                if i or c[0] <= 1.0:
                    edges[0].append(abs(c[0] - h[0]))
                edges[1].append(abs(c[1] - h[1]))
    report = {"clips": len(pairs), "words": words, "word_errors": errors, "wer": round(errors / max(1, words), 4),
              "clips_with_right_segment_count": same}
    for name, values in zip(("begin", "end"), edges):
        if values:
            report[f"{name}_error_seconds_median"] = round(float(np.median(values)), 3)
            report[f"{name}_error_seconds_p90"] = round(float(np.percentile(values, 90)), 3)
    return report


def sentence_clips():
    """HELD_OUT in the voices and speeds a demo would use: (name, samples, clauses)."""
    clips, rng = [], np.random.default_rng(5)
    for voice, speeds in (("en-us", (120, 130, 140, 150, 160)), ("gmw/en", (130, 150)), ("en-us+f3", (140,))):
        for speed in speeds:
            orders = [(text, voice, speed, 50) for text in HELD_OUT]
            for u in speak_apart(orders):
                lead = float(rng.uniform(0, 0.6))
                wave = np.concatenate([np.zeros(int(lead * RATE)), u["audio"] / 32768, np.zeros(RATE // 2)])
                clips.append((f"{voice} {speed} {u['text']}", wave.astype(np.float32),
                              [(a + lead, b + lead, ws) for a, b, ws in u["clauses"]]))
    return clips


def stream_clips(data, seed, count):
    rng = np.random.default_rng(seed)
    out = []
    for i in range(count):
        wave, clauses = stream(rng, data, float(rng.uniform(4, 29)), silent=0.0)
        out.append((f"stream {i}", wave, clauses))
    return out


def silent_clips(seed, count):
    rng = np.random.default_rng(seed)
    empty = {"items": [], "lengths": np.zeros(0)}
    return [(f"silent {i}", stream(rng, empty, float(rng.uniform(1, 30)), silent=1.0)[0], [])
            for i in range(count)]
