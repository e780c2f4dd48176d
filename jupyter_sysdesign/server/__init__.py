"""The Jupyter server extension: authenticates and forwards to the control plane; nothing more."""
