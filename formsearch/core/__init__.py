"""Numbers only: forms as tapes, kernels that evaluate and fit them in batches, objectives. No pandas, no I/O."""
