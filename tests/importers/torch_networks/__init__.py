"""The built-in networks as PyTorch modules: layers have torchvision's names where it has the network, ours elsewhere."""
