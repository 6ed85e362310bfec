"""What runs in the host cluster, in one image: `names` writes records of Services; `runtime` is common to all."""
