"""Transfer: a trained GPT-2 fine-tuned on a task, as GPT-1 was (Radford et al. 2018)."""
