"""What the commands of `rlreactor` do; `rlreactor/cli.py` calls them. No torch, no gymnasium, nothing of RL."""
