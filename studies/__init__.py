"""Studies that train many networks: a second pipeline over the prepared images, see studies/dvc.yaml."""
