from __future__ import annotations

import torch

torch.set_num_threads(1)  # networks this small only lose by more
