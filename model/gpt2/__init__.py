"""GPT-2: network, tokenizer, data, training, checkpoints, export."""
