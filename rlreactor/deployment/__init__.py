"""From one validated spec to a run on several hosts, on engines that exist: local, ssh, slurm, ray, kubernetes."""
