# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A worker for tests, with any Python and nothing else: ``python fake_worker.py MODE...`` misbehaves as it is told.

Modes: ``version=X`` and ``protocol=N`` it says to be of; ``die=OP`` exits with code 7 when asked for OP, ``kill=OP``
kills itself; ``hang=OP`` goes silent at OP; ``mute=OP`` lives on without ever answering OP; ``mute-start`` says nothing
at all; ``deaf`` does not even read; ``garbage`` writes nonsense between its messages; ``flood`` fills stderr, ``spam``
stdout; ``slow=S`` answers after S seconds unless cancelled; ``fail=OP:KIND`` refuses OP; ``log=FILE`` notes every
request.
"""

import json
import os
import signal
import sys
import threading
import time

lock = threading.Lock()
modes = dict(argument.partition("=")[::2] for argument in sys.argv[1:])
silent = threading.Event()
cancelled = set()


def write(document):
    if not silent.is_set():
        with lock:
            sys.stdout.write(json.dumps(document) + "\n")
            sys.stdout.flush()


def beat():
    while True:
        write({"event": "heartbeat", "busy": None, "rss": 123_000_000})
        time.sleep(0.05)


def answers(document):
    op = document["op"]
    if op == "hello":
        return {"protocol": int(modes.get("protocol", 1)), "version": modes.get("version", "0.1.0"), "device": "cpu",
                "model": "fake", "pid": os.getpid(), "log": None}  # fmt: skip
    if op == "load_scene":
        return {"scene": "hash of " + os.path.basename(document["path"]), "gaussians": 3, "dropped": 0}
    if op == "set_views":
        return {"views": document.get("prompt_views", []), "virtual": True}
    if op == "encode":
        return {"encoded": len(document["views"])}
    if op == "preview":
        return {"file": document["out"] + "/preview.npz", "counts": {}, "seconds": 0.1}
    if op == "convert":
        return {"gaussians": 5, "losses": []}
    return {"cancelled": True} if op == "cancel" else {}


def work(document):
    end = time.monotonic() + float(modes.get("slow", 0))
    steps = 0
    while time.monotonic() < end:
        if document["id"] in cancelled:
            write({"id": document["id"], "ok": False,
                   "error": {"kind": "cancelled", "message": "Stopped.", "log": None}})  # fmt: skip
            return
        steps += 1
        write({"event": "progress", "id": document["id"], "stage": "masks", "number": 1, "stages": 2, "done": steps,
               "total": 100, "fraction": min(steps / 100, 1.0), "eta": 1.0})  # fmt: skip
        time.sleep(0.02)
    write({"id": document["id"], "ok": True, "result": answers(document)})


def handle(document):
    op = document["op"]
    if "log" in modes:
        with open(modes["log"], "a") as stream:
            stream.write(op + "\n")
    if "garbage" in modes:
        with lock:
            sys.stdout.write('Loading model...\n{"event": "from the future"}\n{broken\n\n[1, 2]\n\ufffd\n')
            sys.stdout.flush()
    if modes.get("die") == op:
        sys.stderr.write("Traceback: something broke\n")
        sys.stderr.flush()
        os._exit(7)
    if modes.get("kill") == op:
        os.kill(os.getpid(), signal.SIGKILL)
    if modes.get("hang") == op:
        silent.set()
        time.sleep(3600)
    if modes.get("mute") == op:
        return
    if modes.get("fail", "").partition(":")[0] == op:
        kind = modes["fail"].partition(":")[2]
        write({"id": document["id"], "ok": False, "error": {"kind": kind, "message": "It is wrong.", "log": None}})
    elif op == "cancel":
        cancelled.add(document["target"])
        write({"id": document["id"], "ok": True, "result": {"cancelled": True}})
    elif op == "shutdown":
        write({"id": document["id"], "ok": True, "result": {}})
        os._exit(0)
    elif op == "hello":
        write({"id": document["id"], "ok": True, "result": answers(document)})
    else:
        threading.Thread(target=work, args=(document,), daemon=True).start()


def main():
    if "deaf" in modes or "mute-start" in modes:
        time.sleep(3600)
    write({"event": "ready", "protocol": int(modes.get("protocol", 1)), "version": modes.get("version", "0.1.0"),
           "pid": os.getpid(), "id": None})  # fmt: skip
    threading.Thread(target=beat, daemon=True).start()
    if "flood" in modes:
        for _ in range(2000):
            sys.stderr.write("x" * 10_000 + "\n")
    if "spam" in modes:
        with lock:
            sys.stdout.write("y" * (70 << 20))
            sys.stdout.flush()
    for line in sys.stdin:
        handle(json.loads(line))


main()
