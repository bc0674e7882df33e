"""What is measured: one script per experiment, each printing its figures and writing bench/results/NAME.json."""
