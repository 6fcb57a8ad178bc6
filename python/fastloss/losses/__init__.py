"""The declarations of the losses: one module for each family, one documented function for each loss."""
