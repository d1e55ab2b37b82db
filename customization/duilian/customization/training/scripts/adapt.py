"""Fine-tunes a LoRA adapter (Hu et al. 2022) of a BERT sentence encoder. Runs in the training environment, not in ours.

    adapt.py ENCODER-FOLDER OUT.safetensors [OUT.safetensors …]

Its input is a list of `adapting.Task` as JSON, one for each file. Loss: CoSENT (Su 2022) over the pairs of answers to one item: those whose marks lie
near must have a larger cosine than those whose marks lie far. Prints `progress SHARE` a line; the same task gives the
same adapter on machines with the same instructions.
"""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

THREADS = 2  # fixed: how sums are split among threads changes their last digits
SHARPNESS = 20.0  # of the loss, as in CoSENT
MOST_TOKENS = 128
TOGETHER = 12  # texts that are read at a time
WARM_UP = 0.1  # share of the steps in which the learning rate rises


def main(folder: Path, files: list[Path]) -> None:
    tasks = json.load(sys.stdin.buffer)
    import torch

    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_num_threads(THREADS)
    for number, (task, out) in enumerate(zip(tasks, files, strict=True)):
        random.seed(task["seed"])
        torch.manual_seed(task["seed"])
        model = adapted(folder, task)
        for share in train(model, tokenised(folder, task["texts"]), task):
            print(f"progress {(number + share) / len(tasks):.4f}", flush=True)
        save(model, task, out)


def adapted(folder: Path, task: dict):
    """The encoder with trainable LoRA matrices; everything else is frozen."""
    from peft import LoraConfig, get_peft_model
    from transformers import BertModel

    base = BertModel.from_pretrained(folder, add_pooling_layer=False, local_files_only=True)
    config = LoraConfig(r=task["rank"], lora_alpha=task["alpha"], target_modules=task["modules"])
    return get_peft_model(base, config).eval()  # without dropout: drawing it takes longer than all the rest


def tokenised(folder: Path, texts: list[str]) -> list[list[int]]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    return [row.ids for row in tokenizer.encode_batch(texts)]


def train(model, rows: list[list[int]], task: dict) -> Iterator[float]:
    """Gives the share done, after each step."""
    import torch

    plan = [batch for _ in range(task["epochs"]) for batch in batches(task)]
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=task["rate"], weight_decay=task["decay"])
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_at(step, len(plan)))
    for step, batch in enumerate(plan):
        optimiser.zero_grad()
        loss = cosent(embed(model, [rows[place] for place in batch]), batch, task)
        if loss is not None:
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
        scheduler.step()
        yield (step + 1) / len(plan)


def batches(task: dict) -> list[list[int]]:
    """Places of texts: answers to one item together (pairs are within items), small items several to a batch."""
    by_item: dict[int, list[int]] = {}
    for place, item in enumerate(task["items"]):
        by_item.setdefault(item, []).append(place)
    size, parts = task["batch"], []
    for places in by_item.values():
        random.shuffle(places)
        parts += [places[first : first + size] for first in range(0, len(places), size)]
    random.shuffle(parts)
    found: list[list[int]] = []
    for part in parts:
        if found and len(found[-1]) + len(part) <= size:
            found[-1] += part
        else:
            found.append(list(part))
    return found


def rate_at(step: int, steps: int) -> float:
    """Share of the learning rate: rises, then falls in a straight line."""
    warm = max(1, round(WARM_UP * steps))
    return (step + 1) / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))


def embed(model, rows: list[list[int]]):
    """Shape (texts, dimension), in their order. Texts of like length are read together, so that little is padded."""
    import torch

    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    parts = [order[first : first + TOGETHER] for first in range(0, len(order), TOGETHER)]
    vectors = torch.cat([together(model, [rows[place] for place in part]) for part in parts])
    return vectors[torch.tensor([order.index(place) for place in range(len(rows))])]


def together(model, rows: list[list[int]]):
    """Mean of the token states, length 1; shape (texts, dimension)."""
    import torch

    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = mask[:, :, None].to(states.dtype)
    return torch.nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=1)


def cosent(vectors, batch: list[int], task: dict):
    """log(1 + Σ exp(sharpness (cosine of a far pair − cosine of a near pair))); None where no two pairs differ."""
    import torch

    items = torch.tensor([task["items"][place] for place in batch])
    marks = torch.tensor([task["marks"][place] for place in batch])
    first, second = torch.triu_indices(len(batch), len(batch), offset=1)
    same = items[first] == items[second]
    first, second = first[same], second[same]
    near = 1 - (marks[first] - marks[second]).abs()
    cosines = (vectors[first] * vectors[second]).sum(1)
    apart = SHARPNESS * (cosines[None, :] - cosines[:, None])
    wrong = (near[:, None] > near[None, :] + 1e-6) & (items[first][:, None] == items[first][None, :])
    if not bool(wrong.any()):
        return None
    counted = apart.masked_fill(~wrong, float("-inf")).flatten()
    return torch.logsumexp(torch.cat([torch.zeros(1), counted]), 0)


def save(model, task: dict, out: Path) -> None:
    """x → x·down·up is added to each adapted layer; the scale is in `up`. Names: {layer}.down, {layer}.up."""
    from safetensors.torch import save_file

    scale, found = task["alpha"] / task["rank"], {}
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            layer = name.removeprefix("base_model.model.")
            found[f"{layer}.down"] = module.lora_A["default"].weight.detach().T.contiguous()
            found[f"{layer}.up"] = (scale * module.lora_B["default"].weight.detach().T).contiguous()
    save_file(found, out, metadata={"base": task["base"]})  # one fact: several come in any order


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
