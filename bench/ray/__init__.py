"""The same PPO twice, with all that carries data written by hand: on Ray actors, and on reactors."""
