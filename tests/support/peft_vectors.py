"""Runs in the training environment: an adapter with matrices drawn by lot, and what torch and peft read with it.

peft_vectors.py ENCODER-FOLDER TASK.json ADAPTER.safetensors VECTORS.npy
"""

# pyright: basic, reportMissingImports=false
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import torch

SCRIPT = Path(__file__).parents[2] / "customization/duilian/customization/training/scripts/adapt.py"

if __name__ == "__main__":
    folder, task_file, adapter, vectors = map(Path, sys.argv[1:5])
    spec = importlib.util.spec_from_file_location("adapt", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    task = json.loads(task_file.read_text())
    model = script.adapted(folder, task)
    torch.manual_seed(1)
    for weight in model.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.05)
    script.save(model, task, adapter)
    with torch.no_grad():
        np.save(vectors, script.embed(model, script.tokenised(folder, task["texts"])).numpy())
