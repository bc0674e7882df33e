"""Where every reactor will live, decided before the run: machine, costs, placement, memory."""
